#include "models/forest/rank_table.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include "absl/container/flat_hash_map.h"

namespace espalier {
namespace {

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

// The number whose key this is. A NaN for the key of a threshold that is none.
float KeyedFloat(uint32_t key) { return std::bit_cast<float>(key & 0x80000000u ? key ^ 0x80000000u : ~key); }

// The distinct thresholds of a forest, numbered in the order in which the nodes name them.
class ThresholdNumbers {
 public:
  struct Threshold {
    // The numeric feature (the i-th in use) in the upper half, the key in the lower.
    uint64_t bits;
    uint32_t number;

    uint32_t numeric() const { return static_cast<uint32_t>(bits >> 32); }
    uint32_t key() const { return static_cast<uint32_t>(bits); }
  };

  explicit ThresholdNumbers(size_t expected) { numbers_.reserve(expected); }

  uint32_t Number(uint32_t numeric, uint32_t key) {
    const uint64_t bits = uint64_t{numeric} << 32 | key;
    const auto [found, added] = numbers_.try_emplace(bits, static_cast<uint32_t>(thresholds_.size()));
    if (added) thresholds_.push_back({bits, found->second});
    return found->second;
  }

  // By feature, and by key within each.
  std::vector<Threshold> Sorted() const {
    std::vector<Threshold> sorted = thresholds_;
    std::sort(sorted.begin(), sorted.end(),
              [](const Threshold& a, const Threshold& b) { return a.bits < b.bits; });
    return sorted;
  }

 private:
  absl::flat_hash_map<uint64_t, uint32_t> numbers_;
  std::vector<Threshold> thresholds_;
};

}  // namespace

template <typename Node>
std::optional<RankTable> RankTable::Build(const NodeTable<Node>& table, std::vector<Question>& questions) {
  const RowLayout& layout = table.layout;
  if (layout.num_slots() != layout.first_category_slot()) return std::nullopt;
  const auto used = static_cast<uint32_t>(layout.num_slots() / 2);
  ThresholdNumbers numbers(std::min<size_t>(table.nodes.size() / 2, kMaxSlots * kMaxThresholds / 2));
  std::vector<uint32_t> node_numbers(table.nodes.size());
  std::vector<bool> asked(layout.num_slots(), false);
  for (size_t i = 0; i < table.nodes.size(); ++i) {
    const Node& node = table.nodes[i];
    if (IsLeaf(node)) continue;
    asked[node.slot()] = true;
    node_numbers[i] = numbers.Number((node.slot() - 1) % used, node.key);
  }

  // Parts feature by feature; for each threshold its part, and its rank there.
  struct Place {
    uint32_t part;
    uint8_t rank;
  };
  RankTable ranks;
  const std::vector<ThresholdNumbers::Threshold> sorted = numbers.Sorted();
  std::vector<Place> places(sorted.size());
  std::vector<uint32_t> keys;
  for (size_t begin = 0; begin < sorted.size(); begin += keys.size()) {
    const uint32_t numeric = sorted[begin].numeric();
    keys.clear();
    for (size_t i = begin; i < sorted.size() && sorted[i].numeric() == numeric; ++i) {
      const auto place = static_cast<uint32_t>(keys.size());
      places[sorted[i].number] = {static_cast<uint32_t>(ranks.parts_.size() + place / kMaxThresholds),
                                  static_cast<uint8_t>(place % kMaxThresholds + 1)};
      keys.push_back(sorted[i].key());
    }
    if (std::isnan(KeyedFloat(keys.front()))) return std::nullopt;
    ranks.AddFeature(layout.FeatureOf(1 + numeric), keys, asked[1 + numeric], asked[1 + numeric + used]);
    if (ranks.num_slots() > kMaxSlots) return std::nullopt;
  }
  for (Part& part : ranks.parts_) {
    if (part.left_slot == kMaxSlots) part.left_slot = static_cast<uint16_t>(ranks.num_slots());
    if (part.right_slot == kMaxSlots) part.right_slot = static_cast<uint16_t>(ranks.num_slots());
  }

  questions.resize(table.nodes.size());
  for (size_t i = 0; i < table.nodes.size(); ++i) {
    if (IsLeaf(table.nodes[i])) continue;
    const Place& place = places[node_numbers[i]];
    const Part& part = ranks.parts_[place.part];
    const uint16_t slot = table.nodes[i].slot() <= used ? part.left_slot : part.right_slot;
    questions[i] = {static_cast<uint8_t>(slot), place.rank};
  }
  return ranks;
}

void RankTable::AddFeature(uint32_t index, std::span<const uint32_t> keys, bool left, bool right) {
  for (; !keys.empty(); keys = keys.subspan(std::min(kMaxThresholds, keys.size()))) {
    Part part = {.index = index,
                 .pivots = static_cast<uint32_t>(thresholds_.size()),
                 .count = static_cast<uint8_t>(std::min(kMaxThresholds, keys.size())),
                 .left_slot = kMaxSlots,
                 .right_slot = kMaxSlots};
    // The last bucket is never full, so that a value beyond all thresholds has one too.
    const size_t buckets = part.count / kBucket + 1;
    thresholds_.resize(thresholds_.size() + kBucket * (1 + buckets), kNaN);
    float* pivots = thresholds_.data() + part.pivots;
    for (size_t i = 0; i < part.count; ++i) pivots[kBucket + i] = KeyedFloat(keys[i]);
    for (size_t i = 0; i + 1 < buckets; ++i) pivots[i] = pivots[kBucket * (2 + i) - 1];
    for (const auto& [asked, slot] : {std::pair(left, &part.left_slot), std::pair(right, &part.right_slot)}) {
      if (!asked) continue;
      *slot = static_cast<uint16_t>(counts_.size());
      counts_.push_back(part.count);
    }
    parts_.push_back(part);
  }
}

size_t RankTable::MemoryBytes() const {
  return parts_.capacity() * sizeof(Part) + thresholds_.capacity() * sizeof(float) + counts_.capacity();
}

template std::optional<RankTable> RankTable::Build(const NodeTable<PackedNode>& table,
                                                   std::vector<Question>& questions);
template std::optional<RankTable> RankTable::Build(const NodeTable<WideNode>& table,
                                                   std::vector<Question>& questions);

}  // namespace espalier
