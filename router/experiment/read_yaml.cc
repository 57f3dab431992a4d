#include <exception>
#include <istream>
#include <streambuf>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "models/base/strings.h"
#include "router/experiment/document_node.h"
#include "router/experiment/utf8.h"
#include "yaml-cpp/eventhandler.h"
#include "yaml-cpp/exceptions.h"
#include "yaml-cpp/mark.h"
#include "yaml-cpp/parser.h"

namespace espalier {
namespace {

// Leaves the parser in the middle of a text that is refused.
struct Refused : std::exception {
  Refused(absl::Status s, int l) : status(std::move(s)), line(l) {}
  absl::Status status;
  int line;
};

// Feeds one document's events to a builder, and expands aliases.
class Handler final : public YAML::EventHandler {
 public:
  explicit Handler(int previous_start) : start_(previous_start) {}

  void OnDocumentStart(const YAML::Mark& mark) override {
    // yaml-cpp 0.7 reads nulls without end before a bracket that closes nothing.
    if (mark.pos == start_) Check(InvalidArgument("is no YAML: nothing is open that this could close"), mark);
    start_ = mark.pos;
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    Check(builder_.Scalar({}), mark);
    Remember(anchor);
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end()) Check(InvalidArgument("an alias must not stand inside of its anchor"), mark);
    if (builder_.expects_key()) {
      Check(AddKey(found->second), mark);
    } else {
      Check(builder_.Scalar(found->second), mark);
    }
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    DocumentNode node = PlainScalar(value);
    if (tag != "?") {
      CheckTag(tag == "!" || tag == "tag:yaml.org,2002:str", tag, mark);
      node.kind = DocumentNode::Kind::kText;
      node.text = value;
    }
    if (builder_.expects_key()) {
      // A key is the text that is written, whatever it looks like.
      Check(builder_.Key(value), mark);
      node.kind = DocumentNode::Kind::kText;
      node.text = value;
      if (anchor != 0) anchors_[anchor] = std::move(node);
      return;
    }
    Check(builder_.Scalar(std::move(node)), mark);
    Remember(anchor);
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    CheckTag(tag.empty() || tag == "?", tag, mark);
    Check(builder_.StartList(), mark);
    open_anchors_.push_back({anchor, mark});
  }

  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    CheckTag(tag.empty() || tag == "?", tag, mark);
    Check(builder_.StartMap(), mark);
    open_anchors_.push_back({anchor, mark});
  }

  void OnSequenceEnd() override { End(); }
  void OnMapEnd() override { End(); }

  DocumentBuilder& builder() { return builder_; }
  // Where the document starts in the text.
  int start() const { return start_; }

 private:
  struct OpenAnchor {
    YAML::anchor_t anchor;
    YAML::Mark mark;
  };

  static void Check(const absl::Status& status, const YAML::Mark& mark) {
    if (!status.ok()) throw Refused(status, mark.line + 1);
  }

  static void CheckTag(bool allowed, const std::string& tag, const YAML::Mark& mark) {
    if (!allowed) Check(InvalidArgument("tag ", tag, " is not allowed; !!str is the only one"), mark);
  }

  absl::Status AddKey(const DocumentNode& node) {
    if (node.kind != DocumentNode::Kind::kText) return InvalidArgument("a key must be a text");
    return builder_.Key(node.text);
  }

  void End() {
    const OpenAnchor open = open_anchors_.back();
    open_anchors_.pop_back();
    Check(builder_.End(), open.mark);
    Remember(open.anchor);
  }

  void Remember(YAML::anchor_t anchor) {
    if (anchor != 0) anchors_[anchor] = builder_.last();
  }

  int start_;
  DocumentBuilder builder_;
  std::vector<OpenAnchor> open_anchors_;
  absl::flat_hash_map<YAML::anchor_t, DocumentNode> anchors_;
};

// Reads from a view, without a copy.
class ViewBuffer final : public std::streambuf {
 public:
  explicit ViewBuffer(std::string_view text) {
    char* begin = const_cast<char*>(text.data());
    setg(begin, begin, begin + text.size());
  }
};

absl::Status CheckCharacters(std::string_view text) {
  if (text.size() > kMaxDocumentBytes) {
    return InvalidArgument("the file has ", text.size(), " bytes, and at most ", kMaxDocumentBytes,
                           " are allowed");
  }
  if (!IsUtf8(text)) return InvalidArgument("the file must be UTF-8");
  for (const char c : text) {
    // yaml-cpp takes some of these for the end of the file.
    const bool allowed = static_cast<unsigned char>(c) >= 0x20 || c == '\n' || c == '\r' || c == '\t';
    if (!allowed) return InvalidArgument("the file has a control character, which YAML does not allow");
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<DocumentNode>> Parse(std::istream& stream) {
  std::vector<DocumentNode> documents;
  YAML::Parser parser(stream);
  int start = -1;
  while (true) {
    Handler handler(start);
    if (!parser.HandleNextDocument(handler)) return documents;
    start = handler.start();
    DocumentNode document = handler.builder().Take();
    if (document.kind != DocumentNode::Kind::kNull) documents.push_back(std::move(document));
  }
}

}  // namespace

absl::StatusOr<std::vector<DocumentNode>> ReadYaml(std::string_view text) {
  if (absl::Status status = CheckCharacters(text); !status.ok()) return status;
  ViewBuffer buffer(text);
  std::istream stream(&buffer);
  try {
    return Parse(stream);
  } catch (const Refused& refused) {
    return Annotate(refused.status, StrCat("line ", refused.line));
  } catch (const YAML::Exception& error) {
    return InvalidArgument("line ", error.mark.line + 1, ": is no YAML: ", error.msg);
  }
}

}  // namespace espalier
