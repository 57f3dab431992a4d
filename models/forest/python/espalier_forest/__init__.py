"""Models of boosted trees in your own process: loads XGBoost's files, and predicts bit for bit what XGBoost predicts.

    import espalier_forest

    forest = espalier_forest.load("model.ubj")
    scores = forest.predict(X)                    # a NumPy matrix, or a pandas DataFrame by its columns' names
    margins = forest.predict(X, output="margin", iterations=(0, 10), threads=4)

    watch = espalier_forest.Watch("/mnt/models")  # new versions are loaded while the program runs
    scores = watch.get("flight-delay").predict(X)

A forest is immutable: any number of threads may use one, and predictions run without the interpreter's lock.
"""

from ._forest import Forest, Watch, __version__, load, load_bytes

__all__ = ["Forest", "Watch", "__version__", "load", "load_bytes"]
