#pragma once

/// \file
/// A value that is either the caller's or our own.

#include <optional>
#include <utility>

namespace lae::detail {

/// Saves a copy where what the caller holds can be used as it is. A borrowed value must outlive
/// this.
template <class Value>
class Borrowed {
 public:
  static Borrowed of(const Value& value) {
    Borrowed borrowed;
    borrowed.other_ = &value;
    return borrowed;
  }

  Borrowed() = default;
  Borrowed(Value value) : own_(std::move(value)) {}  // NOLINT(google-explicit-constructor)

  bool is_own() const { return own_.has_value(); }

  const Value& operator*() const { return own_ ? *own_ : *other_; }
  const Value* operator->() const { return &**this; }

  /// The value itself, copied if it is the caller's.
  Value take() && { return own_ ? std::move(*own_) : Value(*other_); }

 private:
  const Value* other_ = nullptr;
  std::optional<Value> own_;
};

}  // namespace lae::detail
