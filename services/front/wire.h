// The protobuf wire format, read in place and written into a buffer of known size.
//
// The request path looks at a request without copying it: generated code would copy every string and tensor.
// Only what ModelInfer needs is here. https://protobuf.dev/programming-guides/encoding
#ifndef ESPALIER_SERVICES_FRONT_WIRE_H_
#define ESPALIER_SERVICES_FRONT_WIRE_H_

#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace espalier {

static_assert(std::endian::native == std::endian::little, "tensor bytes are used as they come");

enum class WireType : uint8_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

// Walks the fields of one message.
//
//   WireReader reader(bytes);
//   while (reader.Next()) {
//     if (reader.field() == 1 && reader.type() == WireType::kBytes) name = reader.bytes();
//   }
//   if (!reader.ok()) ...   // malformed
//
// Unknown fields and fields of an unexpected type are skipped by not asking for them, as protobuf does.
class WireReader {
 public:
  explicit WireReader(std::string_view message) : at_(message.data()), end_(at_ + message.size()) {}

  // Moves to the next field and reads its value; false at the end and when the message is malformed.
  bool Next() {
    if (at_ == end_ || !ok_) return false;
    uint64_t key = 0;
    if (!Varint(key) || (key >> 3) == 0 || (key >> 3) > kMaxField) return Fail();
    field_ = static_cast<uint32_t>(key >> 3);
    type_ = static_cast<WireType>(key & 7);
    switch (type_) {
      case WireType::kVarint:
        return Varint(number_) || Fail();
      case WireType::kFixed64:
        return Take(8);
      case WireType::kFixed32:
        return Take(4);
      case WireType::kBytes: {
        uint64_t size = 0;
        if (!Varint(size)) return Fail();
        return Take(size);
      }
    }
    return Fail();  // groups are not used by proto3
  }

  bool ok() const { return ok_; }
  uint32_t field() const { return field_; }
  WireType type() const { return type_; }
  // Whether this is field `field` of type `type`.
  bool Is(uint32_t field, WireType type) const { return field_ == field && type_ == type; }
  // kVarint.
  uint64_t number() const { return number_; }
  // kBytes, and the little-endian bytes of kFixed32 and kFixed64.
  std::string_view bytes() const { return bytes_; }

  // Reads one varint of a packed field.
  static bool TakeVarint(std::string_view& packed, uint64_t& value) {
    WireReader reader(packed);
    if (!reader.Varint(value)) return false;
    packed.remove_prefix(reader.at_ - packed.data());
    return true;
  }

 private:
  static constexpr uint64_t kMaxField = (1u << 29) - 1;

  bool Fail() {
    ok_ = false;
    return false;
  }

  bool Varint(uint64_t& value) {
    value = 0;
    for (int shift = 0; shift < 70 && at_ != end_; shift += 7) {
      const auto byte = static_cast<uint8_t>(*at_++);
      value |= static_cast<uint64_t>(byte & 0x7f) << shift;
      if (byte < 0x80) return shift < 63 || byte <= 1;
      if (shift == 63) return false;
    }
    return false;
  }

  bool Take(uint64_t size) {
    if (size > static_cast<uint64_t>(end_ - at_)) return Fail();
    bytes_ = std::string_view(at_, size);
    at_ += size;
    return true;
  }

  const char* at_;
  const char* end_;
  bool ok_ = true;
  uint32_t field_ = 0;
  WireType type_ = WireType::kVarint;
  uint64_t number_ = 0;
  std::string_view bytes_;
};

// Appends fields to a string whose capacity is reused between messages.
class WireWriter {
 public:
  explicit WireWriter(std::string& out) : out_(out) {}

  void Number(uint32_t field, uint64_t value) {
    Varint(field << 3);
    Varint(value);
  }

  void Bytes(uint32_t field, std::string_view bytes) {
    Header(field, bytes.size());
    out_.append(bytes);
  }

  // The key and length of a field whose `size` bytes follow.
  void Header(uint32_t field, uint64_t size) {
    Varint(field << 3 | static_cast<uint32_t>(WireType::kBytes));
    Varint(size);
  }

  void Varint(uint64_t value) {
    while (value >= 0x80) {
      out_.push_back(static_cast<char>(value | 0x80));
      value >>= 7;
    }
    out_.push_back(static_cast<char>(value));
  }

  // Bytes that a varint takes.
  static size_t VarintSize(uint64_t value) { return (std::bit_width(value | 1) + 6) / 7; }

  // Bytes that Bytes(field < 16, ...) takes.
  static size_t BytesSize(uint64_t size) { return 1 + VarintSize(size) + size; }

 private:
  std::string& out_;
};

}  // namespace espalier

#endif  // ESPALIER_SERVICES_FRONT_WIRE_H_
