#include <lae/ranking/recommend.hpp>

struct NotAScorer {
  using Scalar = double;
  lae::Index items() const { return 1; }
};

auto lists = lae::recommend(NotAScorer(), lae::Csr<double>(1, 1));
