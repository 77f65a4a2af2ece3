// Words, tf-idf weights and latent semantic analysis against plain recomputation.

#include <Eigen/Eigenvalues>
#include <algorithm>
#include <cmath>
#include <lae/core/random.hpp>
#include <lae/data/latent_semantics.hpp>
#include <lae/data/prepare_features.hpp>
#include <lae/data/text_features.hpp>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "catch.hpp"
#include "threads.hpp"

using lae::Csr;
using lae::Index;
using lae::Matrix;

namespace {

using Words = std::vector<std::string>;

/// Documents about one of some topics each, with words of their own besides.
std::vector<Words> documents(Index count, Index topics, std::uint64_t seed) {
  lae::Random random(seed);
  std::vector<Words> all;
  for (Index document = 0; document < count; ++document) {
    Words& words = all.emplace_back();
    for (int i = 0; i < 12; ++i) {
      words.push_back(random.uniform() < 0.3 ? "any" + std::to_string(random.below(30))
                                             : "topic" + std::to_string(document % topics) +
                                                   "word" + std::to_string(random.below(8)));
    }
  }
  return all;
}

Csr<float> weights_of(const std::vector<Words>& all) {
  return lae::tf_idf(lae::count_terms(all, 1, static_cast<Index>(all.size())).counts);
}

}  // namespace

TEST_CASE("Words are runs of letters and digits") {
  CHECK(lae::words_of("") == Words{});
  CHECK(lae::words_of(" -- ") == Words{});
  CHECK(lae::words_of("Title: The 16oz  Spray-Bottle, L'Or\xc3\xa9"
                      "al!") == Words{"title", "the", "16oz", "spray", "bottle", "l",
                                      "or\xc3\xa9"
                                      "al"});
}

TEST_CASE("Terms are counted in enough and not too many documents") {
  const std::vector<Words> all = {{"a", "b", "a"}, {"b", "c"}, {}, {"b", "d", "d", "c"}};
  const lae::TermCounts every = lae::count_terms(all, 1, 4);
  CHECK(every.terms == Words{"a", "b", "c", "d"});
  Matrix<float> expected(4, 4);
  expected << 2, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 1, 1, 2;
  CHECK(Matrix<float>(every.counts) == expected);
  CHECK(lae::count_terms(all, 2, 4).terms == Words{"b", "c"});
  CHECK(lae::count_terms(all, 1, 2).terms == Words{"a", "c", "d"});
  CHECK(lae::count_terms(all, 5, 9).counts.cols() == 0);
  CHECK(lae::count_terms({}, 1, 9).counts.rows() == 0);
}

TEST_CASE("tf-idf weights as defined") {
  const std::vector<Words> all = {{"a", "b", "a"}, {"b"}, {}};
  const Matrix<float> weights = Matrix<float>(weights_of(all));
  const double a = (1 + std::log(2.0)) * (1 + std::log(4.0 / 2));
  const double b = 1 + std::log(4.0 / 3);
  const double length = std::sqrt(a * a + b * b);
  CHECK(weights(0, 0) == Approx(a / length));
  CHECK(weights(0, 1) == Approx(b / length));
  CHECK(weights(1, 1) == 1);
  CHECK(weights.row(2).squaredNorm() == 0);
}

TEST_CASE("Latent semantic analysis finds the largest singular vectors") {
  const Csr<float> weights = weights_of(documents(150, 12, 1));
  const Index d = 12;  // as many as topics: the next singular values are much smaller
  const Matrix<float> embeddings = lae::latent_semantic_embeddings(weights, d);
  REQUIRE(embeddings.rows() == 150);
  REQUIRE(embeddings.cols() == d);

  // A = U Σ Vᵀ has A Aᵀ = U Σ² Uᵀ.
  using Dense = Eigen::MatrixXd;
  const Dense a = Matrix<float>(weights).cast<double>();
  const Eigen::SelfAdjointEigenSolver<Dense> eigen(a * a.transpose());
  Dense expected =
      eigen.eigenvectors().rightCols(d) * eigen.eigenvalues().tail(d).cwiseSqrt().asDiagonal();
  expected.rowwise().normalize();
  // Vectors of nearly equal singular values may mix; inner products tell nothing of that.
  const Dense found = embeddings.cast<double>();
  const Dense difference = found * found.transpose() - expected * expected.transpose();
  CHECK(difference.cwiseAbs().maxCoeff() < 0.01);
  CHECK(difference.norm() / 150 < 0.002);
}

TEST_CASE("Latent semantic analysis of fewer directions than asked for") {
  const std::vector<Words> all = {{"a"}, {"b"}, {"a", "a"}, {}, {"b"}};
  const Matrix<float> embeddings = lae::latent_semantic_embeddings(weights_of(all), 10);
  REQUIRE(embeddings.cols() == 2);
  CHECK(embeddings.row(0).isApprox(embeddings.row(2)));
  CHECK(embeddings.row(1).isApprox(embeddings.row(4)));
  CHECK(std::abs(embeddings.row(0).dot(embeddings.row(1))) < 1e-5);
  CHECK(embeddings.row(3).squaredNorm() == 0);
  CHECK(embeddings.row(0).norm() == Approx(1));

  CHECK(lae::latent_semantic_embeddings(Csr<float>(3, 0), 4).cols() == 0);
  CHECK(lae::latent_semantic_embeddings(Csr<float>(0, 5), 4).rows() == 0);
  CHECK(lae::latent_semantic_embeddings(Csr<float>(3, 2), 4).cols() == 0);
  CHECK_THROWS_AS(lae::latent_semantic_embeddings(Csr<float>(3, 2), 0), std::invalid_argument);
}

TEST_CASE("Documents of a topic are alike, and the same seed gives the same embeddings") {
  const Csr<float> weights = weights_of(documents(200, 10, 2));
  const Matrix<float> embeddings = lae::latent_semantic_embeddings(weights, 10, 3);
  for (Index document = 0; document + 11 < 200; ++document) {
    CHECK(embeddings.row(document).dot(embeddings.row(document + 10)) >
          embeddings.row(document).dot(embeddings.row(document + 11)));
  }
  CHECK(lae::latent_semantic_embeddings(weights, 10, 3) == embeddings);
  const Matrix<float> other = lae::latent_semantic_embeddings(weights, 10, 4);
  CHECK((other - embeddings).cwiseAbs().maxCoeff() < 0.02);
}

TEST_CASE("Documents that have nothing to do with the directions kept get zeros") {
  const Csr<float> weights =
      weights_of({{"a", "b"}, {"a", "b"}, {"a", "b"}, {"c", "d"}, {"c", "d"}, {"e"}});
  const Matrix<float> one = lae::latent_semantic_embeddings(weights, 1);
  CHECK(one.topRows(3).isOnes());
  CHECK(one.bottomRows(3).isZero(0));
  const Matrix<float> two = lae::latent_semantic_embeddings(weights, 2);
  for (Index document = 0; document < 5; ++document) {
    CHECK(two.row(document).norm() == Approx(1));
  }
  CHECK(two.row(5).isZero(0));
}

TEST_CASE("Latent semantic analysis gives the same bits for any number of threads") {
  const Csr<float> weights = weights_of(documents(700, 30, 5));
  const auto embed = [&] { return lae::latent_semantic_embeddings(weights, 40); };
  const Matrix<float> alone = with_threads(1, embed);
  CHECK(alone.cols() == 40);
  for (const int threads : thread_counts) CHECK(with_threads(threads, embed) == alone);
}

TEST_CASE("Latent semantic analysis reports progress and can be cancelled") {
  const Csr<float> weights = weights_of(documents(40, 4, 6));
  std::vector<double> fractions;
  const auto note = [&](std::string_view, double fraction) {
    fractions.push_back(fraction);
    return true;
  };
  CHECK(lae::latent_semantic_embeddings(weights, 3, 1, note).rows() == 40);
  REQUIRE(fractions.size() > 2);
  CHECK(fractions.front() == 0);
  CHECK(fractions.back() == 1);
  CHECK(std::is_sorted(fractions.begin(), fractions.end()));
  const auto stop_half_way = [](std::string_view, double fraction) { return fraction < 0.5; };
  CHECK_THROWS_AS(lae::latent_semantic_embeddings(weights, 3, 1, stop_half_way), lae::Cancelled);
}
