#include "router/experiment/message_reader.h"

#include <cmath>
#include <limits>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/time/time.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/duration.pb.h"
#include "google/protobuf/struct.pb.h"
#include "google/protobuf/timestamp.pb.h"
#include "google/protobuf/util/time_util.h"
#include "models/base/status_macros.h"
#include "models/base/strings.h"
#include "proto/espalier/v1/experiment.pb.h"
#include "router/experiment/validate.h"

namespace espalier {
namespace {

using google::protobuf::EnumDescriptor;
using google::protobuf::FieldDescriptor;
using ProtoMessage = google::protobuf::Message;
using Kind = DocumentNode::Kind;

// Doubles hold every integer below.
constexpr double kMaxExactInteger = 9007199254740992.0;

absl::Status Wrong(const std::string& path, const DocumentNode& node, std::string_view allowed) {
  return InvalidArgument(path, ": ", Describe(node), " ", allowed);
}

absl::StatusOr<std::string> ReadText(const DocumentNode& node, const std::string& path) {
  if (node.kind == Kind::kText) return node.text;
  const bool scalar = node.kind == Kind::kNumber || node.kind == Kind::kBool;
  return Wrong(path, node, scalar ? "must be a text; write it in quotes" : "must be a text");
}

absl::StatusOr<double> ReadNumber(const DocumentNode& node, const std::string& path) {
  if (node.kind == Kind::kNumber && std::isfinite(node.number)) return node.number;
  return Wrong(path, node, "must be a finite number");
}

absl::StatusOr<int64_t> ReadInteger(const DocumentNode& node, const std::string& path, double low,
                                    double high) {
  const bool whole = node.kind == Kind::kNumber && node.number == std::floor(node.number);
  if (!whole || node.number < low || node.number > high) {
    return Wrong(path, node,
                 StrCat("must be a whole number from ", static_cast<int64_t>(low), " to ",
                        static_cast<int64_t>(high)));
  }
  return static_cast<int64_t>(node.number);
}

absl::StatusOr<absl::Duration> ReadDuration(const DocumentNode& node, const std::string& path) {
  absl::Duration duration;
  const bool parsed = node.kind == Kind::kText && absl::ParseDuration(node.text, &duration);
  if (!parsed || duration < absl::ZeroDuration() || duration > absl::Hours(24 * 366 * 100)) {
    return Wrong(path, node, "must be a duration like 24h, 10m, 1.5s or 2ms");
  }
  return duration;
}

absl::StatusOr<int> ReadEnum(const DocumentNode& node, const std::string& path, const EnumDescriptor& type) {
  std::string allowed;
  for (int i = 0; i < type.value_count(); ++i) {
    if (type.value(i)->number() == 0) continue;
    const std::string name = absl::AsciiStrToLower(type.value(i)->name());
    if (node.kind == Kind::kText && node.text == name) return type.value(i)->number();
    allowed += StrCat(allowed.empty() ? "" : ", ", name);
  }
  return Wrong(path, node, StrCat("must be one of ", allowed));
}

absl::Status ReadTimestamp(const DocumentNode& node, const std::string& path,
                           google::protobuf::Timestamp& out) {
  if (node.kind == Kind::kText && google::protobuf::util::TimeUtil::FromString(node.text, &out)) {
    return absl::OkStatus();
  }
  return Wrong(path, node, "must be a time like 2026-03-01T09:00:00Z");
}

absl::Status ReadValue(const DocumentNode& node, const std::string& path, google::protobuf::Value& out);

absl::Status ReadStruct(const DocumentNode& node, const std::string& path, google::protobuf::Struct& out) {
  if (node.kind != Kind::kMap) return Wrong(path, node, "must be a map");
  for (size_t i = 0; i < node.keys.size(); ++i) {
    ESPALIER_RETURN_IF_ERROR(
        ReadValue(node.items[i], StrCat(path, ".", node.keys[i]), (*out.mutable_fields())[node.keys[i]]));
  }
  return absl::OkStatus();
}

absl::Status ReadValue(const DocumentNode& node, const std::string& path, google::protobuf::Value& out) {
  switch (node.kind) {
    case Kind::kNull:
      out.set_null_value(google::protobuf::NULL_VALUE);
      return absl::OkStatus();
    case Kind::kBool:
      out.set_bool_value(node.truth);
      return absl::OkStatus();
    case Kind::kText:
      out.set_string_value(node.text);
      return absl::OkStatus();
    case Kind::kNumber: {
      ESPALIER_ASSIGN_OR_RETURN(const double number, ReadNumber(node, path));
      if (std::abs(number) >= kMaxExactInteger && number == std::floor(number)) {
        return Wrong(path, node, "is too large to be exact; write it in quotes");
      }
      out.set_number_value(number);
      return absl::OkStatus();
    }
    case Kind::kMap:
      return ReadStruct(node, path, *out.mutable_struct_value());
    case Kind::kList:
      break;
  }
  out.mutable_list_value();
  for (size_t i = 0; i < node.items.size(); ++i) {
    ESPALIER_RETURN_IF_ERROR(
        ReadValue(node.items[i], StrCat(path, "[", i, "]"), *out.mutable_list_value()->add_values()));
  }
  return absl::OkStatus();
}

absl::Status ReadRange(const DocumentNode& node, const std::string& path, espalier::v1::Range& out) {
  if (node.kind != Kind::kList || node.items.size() != 2) {
    return Wrong(path, node, "must be a range [start, end]");
  }
  ESPALIER_ASSIGN_OR_RETURN(const double start, ReadNumber(node.items[0], path));
  ESPALIER_ASSIGN_OR_RETURN(const double end, ReadNumber(node.items[1], path));
  out.set_start(start);
  out.set_end(end);
  return absl::OkStatus();
}

// A metric; of all of them only the server's latency is measured in time.
absl::Status ReadMetric(const DocumentNode& node, const std::string& path, espalier::v1::Metric& out) {
  ESPALIER_RETURN_IF_ERROR(ReadMessage(node, path, out));
  if (out.name() == "latency" && out.outcome().empty()) return absl::OkStatus();
  for (size_t i = 0; i < node.keys.size(); ++i) {
    if (node.keys[i] != "margin" || node.items[i].kind != Kind::kText) continue;
    return Wrong(StrCat(path, ".margin"), node.items[i], "must be a number; only latency has a duration");
  }
  return absl::OkStatus();
}

// Messages that have a spelling of their own, and the others.
absl::Status ReadAnyMessage(const DocumentNode& node, const std::string& path, ProtoMessage& out) {
  if (auto* fields = dynamic_cast<google::protobuf::Struct*>(&out)) return ReadStruct(node, path, *fields);
  if (auto* range = dynamic_cast<espalier::v1::Range*>(&out)) return ReadRange(node, path, *range);
  if (auto* time = dynamic_cast<google::protobuf::Timestamp*>(&out)) return ReadTimestamp(node, path, *time);
  if (auto* span = dynamic_cast<google::protobuf::Duration*>(&out)) {
    ESPALIER_ASSIGN_OR_RETURN(const absl::Duration duration, ReadDuration(node, path));
    *span = google::protobuf::util::TimeUtil::NanosecondsToDuration(absl::ToInt64Nanoseconds(duration));
    return absl::OkStatus();
  }
  if (auto* metric = dynamic_cast<espalier::v1::Metric*>(&out)) return ReadMetric(node, path, *metric);
  return ReadMessage(node, path, out);
}

// A margin may be a duration, and counts in seconds.
absl::StatusOr<double> ReadDouble(const DocumentNode& node, const std::string& path,
                                  const FieldDescriptor& field) {
  if (field.full_name() != "espalier.v1.Metric.margin" || node.kind != Kind::kText)
    return ReadNumber(node, path);
  ESPALIER_ASSIGN_OR_RETURN(const absl::Duration duration, ReadDuration(node, path));
  return absl::ToDoubleSeconds(duration);
}

absl::Status ReadSingular(const DocumentNode& node, const std::string& path, const FieldDescriptor& field,
                          ProtoMessage& out) {
  const auto& reflection = *out.GetReflection();
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING: {
      ESPALIER_ASSIGN_OR_RETURN(std::string text, ReadText(node, path));
      reflection.SetString(&out, &field, std::move(text));
      return absl::OkStatus();
    }
    case FieldDescriptor::CPPTYPE_DOUBLE: {
      ESPALIER_ASSIGN_OR_RETURN(const double number, ReadDouble(node, path, field));
      reflection.SetDouble(&out, &field, number);
      return absl::OkStatus();
    }
    case FieldDescriptor::CPPTYPE_BOOL:
      if (node.kind != Kind::kBool) return Wrong(path, node, "must be true or false");
      reflection.SetBool(&out, &field, node.truth);
      return absl::OkStatus();
    case FieldDescriptor::CPPTYPE_INT64: {
      // The only ones are versions of models.
      ESPALIER_ASSIGN_OR_RETURN(const int64_t number, ReadInteger(node, path, 1, kMaxExactInteger));
      reflection.SetInt64(&out, &field, number);
      return absl::OkStatus();
    }
    case FieldDescriptor::CPPTYPE_UINT64: {
      ESPALIER_ASSIGN_OR_RETURN(const int64_t number, ReadInteger(node, path, 0, kMaxExactInteger));
      reflection.SetUInt64(&out, &field, static_cast<uint64_t>(number));
      return absl::OkStatus();
    }
    case FieldDescriptor::CPPTYPE_UINT32: {
      ESPALIER_ASSIGN_OR_RETURN(const int64_t number,
                                ReadInteger(node, path, 0, std::numeric_limits<uint32_t>::max()));
      reflection.SetUInt32(&out, &field, static_cast<uint32_t>(number));
      return absl::OkStatus();
    }
    case FieldDescriptor::CPPTYPE_ENUM: {
      ESPALIER_ASSIGN_OR_RETURN(const int number, ReadEnum(node, path, *field.enum_type()));
      reflection.SetEnumValue(&out, &field, number);
      return absl::OkStatus();
    }
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return ReadAnyMessage(node, path, *reflection.MutableMessage(&out, &field));
    default:
      return InvalidArgument(path, ": has a type that documents do not have");
  }
}

// A map of texts: `overrides`.
absl::Status ReadMapField(const DocumentNode& node, const std::string& path, const FieldDescriptor& field,
                          ProtoMessage& out) {
  if (node.kind != Kind::kMap) return Wrong(path, node, "must be a map");
  for (size_t i = 0; i < node.keys.size(); ++i) {
    ProtoMessage& entry = *out.GetReflection()->AddMessage(&out, &field);
    entry.GetReflection()->SetString(&entry, field.message_type()->map_key(), node.keys[i]);
    ESPALIER_RETURN_IF_ERROR(ReadSingular(node.items[i], StrCat(path, ".", node.keys[i]),
                                          *field.message_type()->map_value(), entry));
  }
  return absl::OkStatus();
}

absl::Status ReadField(const DocumentNode& node, const std::string& path, const FieldDescriptor& field,
                       ProtoMessage& out) {
  if (field.is_map()) return ReadMapField(node, path, field, out);
  if (!field.is_repeated()) return ReadSingular(node, path, field, out);
  if (node.kind != Kind::kList) return Wrong(path, node, "must be a list");
  for (size_t i = 0; i < node.items.size(); ++i) {
    ESPALIER_RETURN_IF_ERROR(ReadAnyMessage(node.items[i], StrCat(path, "[", i, "]"),
                                            *out.GetReflection()->AddMessage(&out, &field)));
  }
  return absl::OkStatus();
}

std::string KeysOf(const google::protobuf::Descriptor& type) {
  std::string keys;
  for (int i = 0; i < type.field_count(); ++i) keys += StrCat(i == 0 ? "" : ", ", type.field(i)->name());
  return keys;
}

}  // namespace

absl::Status ReadMessage(const DocumentNode& node, const std::string& path, google::protobuf::Message& out) {
  if (node.kind != Kind::kMap) {
    return Wrong(path.empty() ? "the document" : path, node, "must be a map of keys");
  }
  const auto& type = *out.GetDescriptor();
  for (size_t i = 0; i < node.keys.size(); ++i) {
    const std::string field_path = path.empty() ? node.keys[i] : StrCat(path, ".", node.keys[i]);
    const FieldDescriptor* field = type.FindFieldByName(node.keys[i]);
    if (field == nullptr) return InvalidArgument(field_path, ": is no key; allowed are ", KeysOf(type));
    ESPALIER_RETURN_IF_ERROR(ReadField(node.items[i], field_path, *field, out));
  }
  return absl::OkStatus();
}

}  // namespace espalier
