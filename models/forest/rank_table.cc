#include "models/forest/rank_table.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

namespace espalier {
namespace {

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

// The number whose key this is. A NaN for the key of a threshold that is none.
float KeyedFloat(uint32_t key) {
  return std::bit_cast<float>(key & 0x80000000u ? key ^ 0x80000000u : ~key);
}

}  // namespace

template <typename Node>
std::optional<RankTable> RankTable::Build(const NodeTable<Node>& table) {
  const RowLayout& layout = table.layout;
  if (layout.num_slots() != layout.first_category_slot()) return std::nullopt;
  // Keys of the thresholds of each numeric feature in use, and which directions are asked.
  const size_t used = layout.num_slots() / 2;
  std::vector<std::vector<uint32_t>> keys(used);
  std::vector<bool> asked(layout.num_slots(), false);
  for (const Node& node : table.nodes) {
    if (IsLeaf(node)) continue;
    asked[node.slot()] = true;
    keys[(node.slot() - 1) % used].push_back(node.key);
  }
  RankTable ranks;
  ranks.first_part_.push_back(0);
  for (size_t i = 0; i < used; ++i) {
    std::sort(keys[i].begin(), keys[i].end());
    keys[i].erase(std::unique(keys[i].begin(), keys[i].end()), keys[i].end());
    if (std::isnan(KeyedFloat(keys[i].front()))) return std::nullopt;
    const uint32_t index = layout.FeatureOf(static_cast<uint32_t>(1 + i));
    for (size_t begin = 0; begin < keys[i].size(); begin += kMaxThresholds) {
      const size_t count = std::min(kMaxThresholds, keys[i].size() - begin);
      ranks.AddPart(index, {keys[i].data() + begin, count});
    }
    ranks.first_part_.push_back(static_cast<uint32_t>(ranks.parts_.size()));
  }
  for (const bool left : {true, false}) {
    for (size_t i = 0; i < used; ++i) {
      if (!asked[1 + i + (left ? 0 : used)]) continue;
      for (size_t part = ranks.first_part_[i]; part < ranks.first_part_[i + 1]; ++part) {
        if (ranks.counts_.size() == kMaxSlots) return std::nullopt;
        ranks.AddSlot(ranks.parts_[part], left);
      }
    }
  }
  for (Part& part : ranks.parts_) {
    for (uint16_t* slot : {&part.left_slot, &part.right_slot}) {
      if (*slot == kNoSlot) *slot = static_cast<uint16_t>(ranks.num_slots());
    }
  }
  return ranks;
}

void RankTable::AddPart(uint32_t index, std::span<const uint32_t> keys) {
  const Part part = {.index = index,
                     .pivots = static_cast<uint32_t>(thresholds_.size()),
                     .count = static_cast<uint8_t>(keys.size())};
  // The last bucket is never full, so that a value beyond all thresholds has one too.
  const size_t buckets = keys.size() / kBucket + 1;
  thresholds_.resize(thresholds_.size() + kBucket * (1 + buckets), kNaN);
  float* pivots = thresholds_.data() + part.pivots;
  for (size_t i = 0; i < keys.size(); ++i) pivots[kBucket + i] = KeyedFloat(keys[i]);
  for (size_t i = 0; i + 1 < buckets; ++i) pivots[i] = pivots[kBucket * (2 + i) - 1];
  parts_.push_back(part);
}

void RankTable::AddSlot(Part& part, bool left) {
  (left ? part.left_slot : part.right_slot) = static_cast<uint16_t>(counts_.size());
  counts_.push_back(part.count);
}

RankTable::Question RankTable::Find(uint32_t numeric, bool left, uint32_t key) const {
  const float threshold = KeyedFloat(key);
  for (uint32_t i = first_part_[numeric];; ++i) {
    const Part& part = parts_[i];
    const float* begin = thresholds_.data() + part.pivots + kBucket;
    const float* end = begin + part.count;
    if (threshold > end[-1]) continue;
    const auto rank = std::lower_bound(begin, end, threshold) - begin + 1;
    return {static_cast<uint8_t>(left ? part.left_slot : part.right_slot), static_cast<uint8_t>(rank)};
  }
}

size_t RankTable::MemoryBytes() const {
  return parts_.capacity() * sizeof(Part) + thresholds_.capacity() * sizeof(float) +
         counts_.capacity() + first_part_.capacity() * sizeof(uint32_t);
}

template std::optional<RankTable> RankTable::Build(const NodeTable<PackedNode>& table);
template std::optional<RankTable> RankTable::Build(const NodeTable<WideNode>& table);

}  // namespace espalier
