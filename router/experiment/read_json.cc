#include <utility>

#include "models/base/strings.h"
#include "nlohmann/json.hpp"
#include "router/experiment/document_node.h"

namespace espalier {
namespace {

using nlohmann::json;

DocumentNode MakeNumber(double number, std::string text) {
  DocumentNode node;
  node.kind = DocumentNode::Kind::kNumber;
  node.number = number;
  node.text = std::move(text);
  return node;
}

// Feeds a JSON parser's events to a builder.
class Handler final : public nlohmann::json_sax<json> {
 public:
  bool null() override { return Add({}); }

  bool boolean(bool truth) override {
    DocumentNode node;
    node.kind = DocumentNode::Kind::kBool;
    node.truth = truth;
    return Add(std::move(node));
  }

  bool number_integer(int64_t number) override {
    return Add(MakeNumber(static_cast<double>(number), StrCat(number)));
  }

  bool number_unsigned(uint64_t number) override {
    return Add(MakeNumber(static_cast<double>(number), StrCat(number)));
  }

  bool number_float(double number, const std::string& text) override { return Add(MakeNumber(number, text)); }

  bool string(std::string& text) override {
    DocumentNode node;
    node.kind = DocumentNode::Kind::kText;
    node.text = std::move(text);
    return Add(std::move(node));
  }

  bool binary(json::binary_t&) override { return false; }
  bool start_object(size_t) override { return Keep(builder_.StartMap()); }
  bool key(std::string& key) override { return Keep(builder_.Key(key)); }
  bool end_object() override { return Keep(builder_.End()); }
  bool start_array(size_t) override { return Keep(builder_.StartList()); }
  bool end_array() override { return Keep(builder_.End()); }

  bool parse_error(size_t position, const std::string&, const nlohmann::detail::exception& error) override {
    std::string_view why = error.what();
    // Without "[json.exception.parse_error.101] ".
    why.remove_prefix(std::min(why.size(), why.find("] ") + 2));
    return Keep(InvalidArgument("is no JSON at byte ", position, ": ", why));
  }

  absl::StatusOr<DocumentNode> Take() {
    if (!status_.ok()) return status_;
    return builder_.Take();
  }

 private:
  bool Add(DocumentNode node) { return Keep(builder_.Scalar(std::move(node))); }
  bool Keep(absl::Status status) {
    status_ = std::move(status);
    return status_.ok();
  }

  DocumentBuilder builder_;
  absl::Status status_;
};

}  // namespace

absl::StatusOr<DocumentNode> ReadJson(std::string_view text) {
  if (text.size() > kMaxDocumentBytes) {
    return InvalidArgument("the file has ", text.size(), " bytes, and at most ", kMaxDocumentBytes,
                           " are allowed");
  }
  Handler handler;
  json::sax_parse(text.begin(), text.end(), &handler);
  return handler.Take();
}

}  // namespace espalier
