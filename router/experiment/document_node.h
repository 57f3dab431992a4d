// A configuration file as a tree, before it means anything: what YAML and JSON have in common.
#ifndef ESPALIER_ROUTER_EXPERIMENT_DOCUMENT_NODE_H_
#define ESPALIER_ROUTER_EXPERIMENT_DOCUMENT_NODE_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace espalier {

// A plain value. A number keeps its text as well; text of any other scalar is empty.
struct DocumentNode {
  enum class Kind { kNull, kBool, kNumber, kText, kList, kMap };

  Kind kind = Kind::kNull;
  bool truth = false;
  double number = 0;
  std::string text;
  // Elements of a list, or values of a map at the index of their key.
  std::vector<DocumentNode> items;
  std::vector<std::string> keys;
};

// What a file may be at most. Aliases count as often as they are used, so that a few lines cannot become a
// bomb.
inline constexpr size_t kMaxDocumentBytes = size_t{1} << 20;
inline constexpr size_t kMaxDocumentDepth = 32;
inline constexpr size_t kMaxDocumentNodes = 100'000;
inline constexpr size_t kMaxExpandedBytes = size_t{4} << 20;

// The documents of a YAML text, in order, without those that are empty. Scalars follow YAML 1.2's core
// schema, so `yes`, `on` and `0x10` are texts; a number with leading zeros is a text, too. INVALID_ARGUMENT
// names the line.
absl::StatusOr<std::vector<DocumentNode>> ReadYaml(std::string_view text);

// The one document of a JSON text.
absl::StatusOr<DocumentNode> ReadJson(std::string_view text);

// The value of a plain YAML scalar.
DocumentNode PlainScalar(std::string_view text);

// A value as it should stand in a message: a number as written, a text in quotes, cut at 64 bytes.
std::string Describe(const DocumentNode& node);

// Builds a tree from the events of a parser, within the limits above and without duplicate keys. After an
// error the builder is of no further use.
class DocumentBuilder {
 public:
  absl::Status Scalar(DocumentNode node) { return Add(std::move(node)); }
  absl::Status StartList() { return Start(DocumentNode::Kind::kList); }
  absl::Status StartMap() { return Start(DocumentNode::Kind::kMap); }
  absl::Status Key(std::string_view key);
  // Ends the list or map that was started last.
  absl::Status End();

  // Whether the innermost open node is a map that waits for a key.
  bool expects_key() const;

  // The last node that was completed.
  const DocumentNode& last() const;

  bool complete() const { return complete_; }
  DocumentNode Take();

 private:
  struct Open {
    DocumentNode node;
    bool has_key = false;
  };

  absl::Status Start(DocumentNode::Kind kind);
  absl::Status Add(DocumentNode node);
  absl::Status Count(const DocumentNode& node);
  void Attach(DocumentNode node);

  std::vector<Open> open_;
  DocumentNode root_;
  bool complete_ = false;
  size_t nodes_ = 0;
  size_t bytes_ = 0;
};

}  // namespace espalier

#endif  // ESPALIER_ROUTER_EXPERIMENT_DOCUMENT_NODE_H_
