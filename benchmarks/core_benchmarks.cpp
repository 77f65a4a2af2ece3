// The parts of a fit: Gram matrices, the inversion, the weights with and without a prior.

#include <Eigen/Cholesky>
#include <lae/algebra/regularized_inverse.hpp>
#include <lae/detail/recipe/ledger.hpp>
#include <lae/detail/recipe/weights.hpp>
#include <optional>
#include <string>
#include <utility>

#include "measure.hpp"
#include "synthetic_data.hpp"

#ifdef LAE_HAS_LAPACK
extern "C" {
void spotrf_(const char*, const int*, float*, const int*, int*);
void spotri_(const char*, const int*, float*, const int*, int*);
void dpotrf_(const char*, const int*, double*, const int*, int*);
void dpotri_(const char*, const int*, double*, const int*, int*);
}
#endif

namespace {

using lae::Index;
using lae::Matrix;

std::string sizes(const char* name, Index value) {
  return name + (":" + std::to_string(value));
}

double cube(Index n) {
  return lae::detail::volume(n, n, n);
}

/// Entries in [-1/2, 1/2], and n on the diagonal.
template <class Scalar>
Matrix<Scalar> positive_definite(Index n) {
  Matrix<Scalar> a = synthetic::embeddings(n, n).template cast<Scalar>();
  a.diagonal().array() += static_cast<Scalar>(n);
  lae::mirror_lower_triangle(a);
  return a;
}

template <class Scalar>
void gram(Index users, Index items, Index interactions) {
  const std::string of_sizes = sizes("users", users) + "/" + sizes("items", items) + "/" +
                               sizes("interactions", interactions);
  measure::add<Scalar>("gram", of_sizes, [=](benchmark::State& state, int threads) {
    const lae::Csr<Scalar> x = synthetic::interactions(users, items, interactions).cast<Scalar>();
    double pairs = 0;
    for (Index user = 0; user < users; ++user) {
      const auto length =
          static_cast<double>(x.outerIndexPtr()[user + 1] - x.outerIndexPtr()[user]);
      pairs += length * (length + 1);
    }
    measure::repeat<Scalar>(
        state, threads, {pairs, static_cast<double>(items * items / 2) * sizeof(Scalar)},
        // Once before, since a virtual machine may have to ask its host for the memory, at less
        // than a gigabyte a second.
        [&] { benchmark::DoNotOptimize(lae::interaction_gram(x).data()); },
        [&] { benchmark::DoNotOptimize(lae::interaction_gram(x).data()); });
  });
}

template <class Scalar>
void inversion(Index n) {
  const auto add = [=](const std::string& name, auto invert) {
    measure::add<Scalar>(name, sizes("n", n), [=](benchmark::State& state, int threads) {
      const Matrix<Scalar> a = positive_definite<Scalar>(n);
      Matrix<Scalar> inverse(n, n);
      measure::repeat<Scalar>(
          state, threads, {cube(n)}, [&] { inverse = a; }, [&] { invert(inverse); });
    });
  };
  add("invert_spd", [](Matrix<Scalar>& a) { lae::invert_spd(a); });
  add("eigen_llt_solve", [](Matrix<Scalar>& a) {
    a = a.llt().solve(Matrix<Scalar>::Identity(a.rows(), a.cols())).eval();
  });
#ifdef LAE_HAS_LAPACK
  add("lapack_potrf_potri", [](Matrix<Scalar>& a) {
    const int size = static_cast<int>(a.rows());
    int info = 0;
    if constexpr (std::is_same_v<Scalar, float>) {
      spotrf_("L", &size, a.data(), &size, &info);
      spotri_("L", &size, a.data(), &size, &info);
    } else {
      dpotrf_("L", &size, a.data(), &size, &info);
      dpotri_("L", &size, a.data(), &size, &info);
    }
  });
#endif
}

template <class Scalar>
void weights(Index n) {
  measure::add<Scalar>("weights", sizes("n", n), [=](benchmark::State& state, int threads) {
    const Matrix<Scalar> p = positive_definite<Scalar>(n);
    const lae::Vector<Scalar> diagonal = p.diagonal();
    Matrix<Scalar> b(n, n);
    measure::repeat<Scalar>(
        state, threads, {0, 2.0 * static_cast<double>(n * n) * sizeof(Scalar)}, [&] { b = p; },
        [&] {
          const auto factors = lae::detail::column_factors<Scalar>({}, {}, diagonal, nullptr);
          b = lae::detail::weights_of<Scalar>(b, nullptr, factors, {});
        });
  });
}

/// The semantic phase as a prior, and the weights with it.
template <class Scalar>
void weights_with_prior(Index n, Index d) {
  const auto name = sizes("n", n) + "/" + sizes("d", d);
  lae::Recipe recipe;
  recipe.semantic_use = lae::SemanticUse::prior;
  recipe.semantic_ridge = 1.0;
  recipe.semantic_weight = 1;
  lae::ProblemSize size;
  size.items = n;
  size.sources = {{d, {}}};
  const lae::detail::Ledger<Scalar> ledger(recipe, size);
  const auto phase_of = [=](const Matrix<Scalar>& f, auto& phase) {
    lae::detail::FeatureSet<Scalar> features;
    features.add(lae::detail::Borrowed<Matrix<Scalar>>::of(f), 1);
    phase.emplace(std::move(features), recipe, lae::FeatureScale(), 1, false, lae::Progress());
  };
  measure::add<Scalar>("semantic_phase", name, [=](benchmark::State& state, int threads) {
    const Matrix<Scalar> f = synthetic::embeddings(n, d).template cast<Scalar>();
    measure::repeat<Scalar>(
        state, threads, {ledger.solve_once().flops}, [] {},
        [&] {
          std::optional<lae::detail::SemanticPhase<Scalar>> phase;
          phase_of(f, phase);
          benchmark::DoNotOptimize(phase->solve(recipe, {}).factors.scale.data());
        });
  });
  measure::add<Scalar>("weights", name, [=](benchmark::State& state, int threads) {
    const Matrix<Scalar> f = synthetic::embeddings(n, d).template cast<Scalar>();
    const Matrix<Scalar> p = positive_definite<Scalar>(n);
    Matrix<Scalar> b(n, n);
    std::optional<lae::detail::SemanticPhase<Scalar>> phase;
    lae::detail::SemanticSolution<Scalar> solution;
    measure::repeat<Scalar>(
        state, threads, {ledger.write_weights().flops},
        [&] {
          b = p;
          phase_of(f, phase);
          solution = phase->solve(recipe, {});
        },
        [&] {
          auto term = phase->term(std::move(solution), b, {});
          const lae::Vector<Scalar> diagonal = b.diagonal();
          const auto factors =
              lae::detail::column_factors<Scalar>(recipe, {}, diagonal, &term.factors);
          b = lae::detail::weights_of(b, &term, factors, {});
        });
  });
}

template <class Scalar>
void add_all() {
  gram<Scalar>(5305, 3168, 67819);
  gram<Scalar>(17397, 8330, 120255);
  gram<Scalar>(50546, 16859, 352211);
  gram<Scalar>(5000, 4000, 1000000);
  for (const Index n : {50, 100, 200, 500, 1000, 2000, 4000}) inversion<Scalar>(n);
  for (const Index n : {1000, 4000}) {
    weights<Scalar>(n);
    for (const Index d : {64, 512, 768}) weights_with_prior<Scalar>(n, d);
  }
  weights_with_prior<Scalar>(1000, 1536);
}

/// Which of OpenBLAS's kernels the numbers of lapack_potrf_potri and of `gemm` are about.
void add_context() {
  benchmark::AddCustomContext("openblas_kernel",
                              openblas::is_linked() ? openblas::kernel() : "no OpenBLAS");
}

[[maybe_unused]] const bool added = (add_context(), add_all<float>(), add_all<double>(), true);

}  // namespace
