# What readers of the reference need not see of the headers.

# The inline namespace that tells builds apart:
s/::LAE_ABI\b//g
/inline namespace LAE_ABI/d

# Helps of overload resolution and deduction:
/^template <|^ +template </{
  /,$/{
    N
    s/,\n *std::enable_if_t<.*, int> = 0>$/>\n/
  }
}
s/detail::RequireScorer<Model>/Model/
/^inline constexpr bool .* =$/{
  N
  s/ =\n.*detail::.*;$/;\n/
}
s/^(inline constexpr bool .*) = .*detail::.*;$/\1;/
/^ *\/\/\/ For `(Spectral)?Solver<Options> solver/,/NoOption/d
s/typename detail::LoadedModel<What>::type/LoadedModel/
s/detail::NormalizedInteractions</NormalizedInteractions</
/^[A-Z][A-Za-z0-9]*\(.*\) *-> *[A-Z].*;$/d

# "recall@k" is no command:
s/([a-zA-Z])@(k|rank)\b/\1\\@\2/g
