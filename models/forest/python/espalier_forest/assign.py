"""Which variant of an experiment a unit gets, in your own process: as the server would choose, from its files.

    from espalier_forest import assign

    experiments = assign.load("experiments")      # a file, or a directory of them
    ids = assign.EventIds(front=17)               # a number that no other process has
    chosen = experiments.assign("flight-delay", "N12345", {"origin": "JFK"}, event_id=ids.next())
    chosen.version                                # None where no experiment concerns the model
    if chosen.enrolled:
        log.write(chosen.exposure_json(rows=1, scores=[0.25]) + "\\n")

Experiments are immutable: any number of threads may use them. To take new files, load them and use what you get.
"""

from ._assign import Assignment, EventIds, Experiments, load, load_text

__all__ = ["Assignment", "EventIds", "Experiments", "load", "load_text"]
