#include "router/experiment/document_node.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <utility>

#include "models/base/status_macros.h"
#include "models/base/strings.h"

namespace espalier {
namespace {

using Kind = DocumentNode::Kind;

DocumentNode MakeBool(bool truth) {
  DocumentNode node;
  node.kind = Kind::kBool;
  node.truth = truth;
  return node;
}

// Digits with at most a sign, a point and an exponent, and no leading zero.
bool LooksLikeNumber(std::string_view text) {
  if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
  const bool zero = text.starts_with('0') && text.size() > 1 && text[1] >= '0' && text[1] <= '9';
  const bool digit =
      !text.empty() && ((text[0] >= '0' && text[0] <= '9') || (text[0] == '.' && text.size() > 1));
  return digit && !zero && text.find_first_not_of("0123456789.eE+-") == std::string_view::npos;
}

bool IsSpecialNumber(std::string_view text) {
  if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
  return text == ".inf" || text == ".Inf" || text == ".INF" || text == ".nan" || text == ".NaN" ||
         text == ".NAN";
}

}  // namespace

DocumentNode PlainScalar(std::string_view text) {
  if (text.empty() || text == "~" || text == "null" || text == "Null" || text == "NULL") return {};
  if (text == "true" || text == "True" || text == "TRUE") return MakeBool(true);
  if (text == "false" || text == "False" || text == "FALSE") return MakeBool(false);
  DocumentNode node;
  node.kind = Kind::kText;
  node.text = text;
  node.number = std::numeric_limits<double>::quiet_NaN();
  if (IsSpecialNumber(text)) node.kind = Kind::kNumber;
  if (!LooksLikeNumber(text)) return node;
  if (text.front() == '+') text.remove_prefix(1);
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (end != text.data() + text.size() || error == std::errc::invalid_argument) return node;
  node.kind = Kind::kNumber;
  // Too large a number stays NaN, and is refused wherever it stands.
  if (error == std::errc()) node.number = number;
  return node;
}

std::string Describe(const DocumentNode& node) {
  switch (node.kind) {
    case Kind::kNull:
      return "nothing";
    case Kind::kBool:
      return node.truth ? "true" : "false";
    case Kind::kNumber:
      return node.text.substr(0, 64);
    case Kind::kText:
      return StrCat("\"", std::string_view(node.text).substr(0, 64), "\"");
    case Kind::kList:
      return "a list";
    case Kind::kMap:
      return "a map";
  }
  return {};
}

absl::Status DocumentBuilder::Count(const DocumentNode& node) {
  ++nodes_;
  bytes_ += node.text.size();
  for (const std::string& key : node.keys) bytes_ += key.size();
  if (nodes_ > kMaxDocumentNodes || bytes_ > kMaxExpandedBytes) {
    return InvalidArgument("the document is too large; at most ", kMaxDocumentNodes, " values with ",
                           kMaxExpandedBytes, " bytes are allowed, aliases expanded");
  }
  for (const DocumentNode& item : node.items) ESPALIER_RETURN_IF_ERROR(Count(item));
  return absl::OkStatus();
}

bool DocumentBuilder::expects_key() const {
  return !open_.empty() && open_.back().node.kind == Kind::kMap && !open_.back().has_key;
}

const DocumentNode& DocumentBuilder::last() const {
  return complete_ ? root_ : open_.back().node.items.back();
}

DocumentNode DocumentBuilder::Take() { return std::move(root_); }

absl::Status DocumentBuilder::Start(Kind kind) {
  if (expects_key()) return InvalidArgument("a key must be a text");
  if (open_.size() == kMaxDocumentDepth) {
    return InvalidArgument("lists and maps may be nested ", kMaxDocumentDepth, " levels deep");
  }
  Open open;
  open.node.kind = kind;
  ESPALIER_RETURN_IF_ERROR(Count(open.node));
  open_.push_back(std::move(open));
  return absl::OkStatus();
}

absl::Status DocumentBuilder::Key(std::string_view key) {
  Open& map = open_.back();
  bytes_ += key.size();
  map.node.keys.emplace_back(key);
  map.has_key = true;
  return absl::OkStatus();
}

absl::Status DocumentBuilder::End() {
  DocumentNode node = std::move(open_.back().node);
  open_.pop_back();
  std::vector<std::string_view> keys(node.keys.begin(), node.keys.end());
  std::sort(keys.begin(), keys.end());
  const auto twice = std::adjacent_find(keys.begin(), keys.end());
  if (twice != keys.end()) return InvalidArgument("key \"", *twice, "\" stands twice in one map");
  Attach(std::move(node));
  return absl::OkStatus();
}

absl::Status DocumentBuilder::Add(DocumentNode node) {
  if (expects_key()) return InvalidArgument("a key must be a text");
  ESPALIER_RETURN_IF_ERROR(Count(node));
  Attach(std::move(node));
  return absl::OkStatus();
}

void DocumentBuilder::Attach(DocumentNode node) {
  if (open_.empty()) {
    root_ = std::move(node);
    complete_ = true;
    return;
  }
  open_.back().node.items.push_back(std::move(node));
  open_.back().has_key = false;
}

}  // namespace espalier
