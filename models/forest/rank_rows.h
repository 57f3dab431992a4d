// Ranks of a row's values; rank_table.h says what they are.
#ifndef ESPALIER_MODELS_FOREST_RANK_ROWS_H_
#define ESPALIER_MODELS_FOREST_RANK_ROWS_H_

#include <cstddef>
#include <cstdint>

#include "models/forest/rank_table.h"

namespace espalier {

// Fills slots[0, table.num_slots()), and writes to one byte after them, from a row of float32 at any
// alignment.
void RankRow(const RankTable& table, const std::byte* row, uint8_t* slots);

}  // namespace espalier

#endif  // ESPALIER_MODELS_FOREST_RANK_ROWS_H_
