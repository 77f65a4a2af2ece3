// One suite of laws for all models in both Scalars.

#include <algorithm>
#include <functional>
#include <lae/lae.hpp>
#include <ostream>
#include <string>
#include <vector>

#include "catch.hpp"
#include "naive.hpp"
#include "random_data.hpp"
#include "threads.hpp"

using lae::Csr;
using lae::Index;
using lae::ItemModel;
using lae::Matrix;
using naive::Dense;
using naive::largest;

namespace {

struct Shop {
  std::uint64_t seed;
  Csr<double> x;     // users x items
  Matrix<double> f;  // items x dims
  Csr<double> t;     // items x tags

  Shop permuted(const Eigen::PermutationMatrix<Eigen::Dynamic>& order) const {
    return {seed, Csr<double>((Dense(x) * order.transpose()).sparseView()), order * f,
            Csr<double>((order * Dense(t)).sparseView())};
  }

  friend std::ostream& operator<<(std::ostream& out, const Shop& shop) {
    return out << "shop of seed " << shop.seed << ": users x items " << shop.x.rows() << " x "
               << shop.x.cols() << ", dims " << shop.f.cols() << ", tags " << shop.t.cols();
  }
};

Shop make_shop(std::uint64_t seed, Index users, Index items, Index dims, Index tags) {
  RandomData random(seed);
  Shop shop{seed, random.interactions(users, items), random.dense(items, dims),
            random.interactions(items, tags, 0.2)};
  shop.x.coeffRef(0, 0) = 1;  // never empty
  shop.x.makeCompressed();
  return shop;
}

/// A quadratic problem: its optimum with zero diagonal has (G + Λ) B = G + κ S off the diagonal.
struct Regression {
  double share;  // of the optimum in the model
  Dense gram;
  double ridge;
  Dense kappa_s;
};

struct Model {
  std::string name;
  std::function<Dense(const Shop&)> weights;
  std::function<Dense(const Shop&)> textbook;
  /// Those whose optima, by their shares, add up to the model. Empty for cosine, which has none.
  std::function<std::vector<Regression>(const Shop&)> regressions;
  double diagonal_bound = 0;
};

/// All refinements at once, in the way that suits any number of users.
lae::Refinements all_refinements() {
  lae::Refinements refinements;
  refinements.dropout = 0.3;
  refinements.user_exponent = 0.2;
  refinements.target_exponent = 0.15;
  refinements.diagonal_bound = 0.1;
  return refinements;
}

template <class Scalar>
std::vector<Model> plain_models() {
  const auto weights = [](const ItemModel<Scalar>& model) {
    return Dense(model.weights().template cast<double>());
  };
  const auto gram = [](const Shop& s) { return naive::gram(Dense(s.x)); };
  const auto gram_f = [](const Shop& s) { return naive::gram(s.f.transpose()); };
  const auto gram_t = [](const Shop& s) { return naive::gram(Dense(s.t).transpose()); };
  using Regressions = std::vector<Regression>;
  const auto ridge_regression = [](const Dense& g, double ridge, double share = 1) {
    return Regression{share, g, ridge, Dense::Zero(g.rows(), g.rows())};
  };
  const lae::Ease<Scalar> ease({3});
  const lae::FeatureEase<Scalar> feature_ease({3});
  const lae::Cease<Scalar> cease({3, 0.4});
  const lae::AddEase<Scalar> add_ease({3, 2, 0.3});
  const lae::L3ae<Scalar> l3ae({-2, 1.5, 6});
  return {
      {"EASE", [=](const Shop& s) { return weights(ease.fit(s.x)); },
       [=](const Shop& s) { return naive::ease(gram(s), 3); },
       [=](const Shop& s) { return Regressions{ridge_regression(gram(s), 3)}; }},
      {"semantic EASE", [=](const Shop& s) { return weights(feature_ease.fit(s.f)); },
       [=](const Shop& s) { return naive::ease(gram_f(s), 3); },
       [=](const Shop& s) { return Regressions{ridge_regression(gram_f(s), 3)}; }},
      {"EASE on tags", [=](const Shop& s) { return weights(feature_ease.fit(s.t)); },
       [=](const Shop& s) { return naive::ease(gram_t(s), 3); },
       [=](const Shop& s) { return Regressions{ridge_regression(gram_t(s), 3)}; }},
      {"CEASE", [=](const Shop& s) { return weights(cease.fit(s.x, s.t)); },
       [](const Shop& s) { return naive::cease(Dense(s.x), Dense(s.t), 3, 0.4); },
       [=](const Shop& s) { return Regressions{ridge_regression(gram(s) + 0.4 * gram_t(s), 3)}; }},
      {"LLM-CEASE", [=](const Shop& s) { return weights(cease.fit(s.x, s.f)); },
       [](const Shop& s) { return naive::cease(Dense(s.x), s.f, 3, 0.4); },
       [=](const Shop& s) { return Regressions{ridge_regression(gram(s) + 0.4 * gram_f(s), 3)}; }},
      {"Add-EASE", [=](const Shop& s) { return weights(add_ease.fit(s.x, s.t)); },
       [](const Shop& s) { return naive::add_ease(Dense(s.x), Dense(s.t), 3, 2, 0.3); },
       [=](const Shop& s) {
         return Regressions{ridge_regression(gram(s), 3, 0.7), ridge_regression(gram_t(s), 2, 0.3)};
       }},
      {"LLM-Add-EASE", [=](const Shop& s) { return weights(add_ease.fit(s.x, s.f)); },
       [](const Shop& s) { return naive::add_ease(Dense(s.x), s.f, 3, 2, 0.3); },
       [=](const Shop& s) {
         return Regressions{ridge_regression(gram(s), 3, 0.7), ridge_regression(gram_f(s), 2, 0.3)};
       }},
      {"L3AE", [=](const Shop& s) { return weights(l3ae.fit(s.x, s.f)); },
       [](const Shop& s) { return naive::l3ae(Dense(s.x), s.f, -2, 1.5, 6); },
       [=](const Shop& s) {
         return Regressions{{1, gram(s), 4, 6 * naive::ease(gram_f(s), 1.5)}};
       }},
      {"L3AE on tags", [=](const Shop& s) { return weights(l3ae.fit(s.x, s.t)); },
       [](const Shop& s) { return naive::l3ae(Dense(s.x), Dense(s.t), -2, 1.5, 6); },
       [=](const Shop& s) {
         return Regressions{{1, gram(s), 4, 6 * naive::ease(gram_t(s), 1.5)}};
       }},
      {"cosine", [=](const Shop& s) { return weights(lae::Cosine<Scalar>().fit(s.f)); },
       [](const Shop& s) { return naive::cosine(s.f); }, [](const Shop&) { return Regressions(); }},
  };
}

/// The models that are fitted on interactions, with all refinements on.
template <class Scalar>
std::vector<Model> refined_models() {
  const auto weights = [](const ItemModel<Scalar>& model) {
    return Dense(model.weights().template cast<double>());
  };
  const auto gram_f = [](const Shop& s) { return naive::gram(s.f.transpose()); };
  const auto gram_t = [](const Shop& s) { return naive::gram(Dense(s.t).transpose()); };
  const auto none = [](const Shop& s) { return Dense(Dense::Zero(s.x.cols(), s.x.cols())); };
  const lae::Refinements on = all_refinements();
  const auto solve = [=](const Shop& s, const Dense& side_gram, double lambda, const Dense& prior,
                         double kappa) {
    const Dense x = naive::user_weighted(Dense(s.x), {}, on);
    return naive::refined(Dense(s.x), naive::gram(x) + side_gram, lambda, prior, kappa, on);
  };
  const auto blend = [=](const Shop& s, const Dense& side_gram) {
    // Nothing else of the part on side information is refined.
    const lae::Refinements targets{0, 0, on.target_exponent, 0};
    return Dense(0.7 * solve(s, none(s), 3, none(s), 0) +
                 0.3 * naive::refined(Dense(s.x), side_gram, 2, none(s), 0, targets));
  };
  const lae::Ease<Scalar> ease({3, on});
  const lae::Cease<Scalar> cease({3, 0.4, on});
  const lae::AddEase<Scalar> add_ease({3, 2, 0.3, on});
  const lae::L3ae<Scalar> l3ae({-2, 1.5, 6, on});
  using Textbook = std::function<Dense(const Shop&)>;
  const auto model = [=](const char* name, Textbook fit, Textbook textbook) {
    return Model{name, std::move(fit), std::move(textbook),
                 [](const Shop&) { return std::vector<Regression>(); }, on.diagonal_bound};
  };
  return {
      model(
          "refined EASE", [=](const Shop& s) { return weights(ease.fit(s.x)); },
          [=](const Shop& s) { return solve(s, none(s), 3, none(s), 0); }),
      model(
          "refined CEASE", [=](const Shop& s) { return weights(cease.fit(s.x, s.t)); },
          [=](const Shop& s) { return solve(s, 0.4 * gram_t(s), 3, none(s), 0); }),
      model(
          "refined LLM-CEASE", [=](const Shop& s) { return weights(cease.fit(s.x, s.f)); },
          [=](const Shop& s) { return solve(s, 0.4 * gram_f(s), 3, none(s), 0); }),
      model(
          "refined Add-EASE", [=](const Shop& s) { return weights(add_ease.fit(s.x, s.t)); },
          [=](const Shop& s) { return blend(s, gram_t(s)); }),
      model(
          "refined LLM-Add-EASE", [=](const Shop& s) { return weights(add_ease.fit(s.x, s.f)); },
          [=](const Shop& s) { return blend(s, gram_f(s)); }),
      model(
          "refined L3AE", [=](const Shop& s) { return weights(l3ae.fit(s.x, s.f)); },
          [=](const Shop& s) { return solve(s, none(s), 4, naive::ease(gram_f(s), 1.5), 6); }),
      model(
          "refined L3AE on tags", [=](const Shop& s) { return weights(l3ae.fit(s.x, s.t)); },
          [=](const Shop& s) { return solve(s, none(s), 4, naive::ease(gram_t(s), 1.5), 6); }),
  };
}

template <class Scalar>
std::vector<Model> all_models() {
  std::vector<Model> models = plain_models<Scalar>();
  for (Model& model : refined_models<Scalar>()) models.push_back(std::move(model));
  return models;
}

/// Few and many users, items, dimensions and tags: d < n, d = n, d > n, m < n, one of everything.
std::vector<Shop> shops() {
  return {make_shop(1, 80, 30, 6, 12),    make_shop(2, 20, 30, 30, 5),
          make_shop(3, 50, 30, 45, 40),   make_shop(4, 3, 9, 2, 1),
          make_shop(5, 1, 1, 1, 1),       make_shop(6, 4, 2, 1, 3),
          make_shop(7, 250, 140, 24, 30), make_shop(8, 40, 140, 150, 30)};
}

template <class Scalar>
double tolerance() {
  return std::is_same_v<Scalar, float> ? 2e-4 : 1e-10;
}

}  // namespace

TEMPLATE_TEST_CASE("Every model equals its textbook formula", "[laws]", LAE_SCALARS) {
  for (const Shop& shop : shops()) {
    for (const Model& model : all_models<TestType>()) {
      INFO(model.name << ", " << shop);
      CHECK(largest(model.weights(shop) - model.textbook(shop)) < tolerance<TestType>());
    }
  }
}

TEMPLATE_TEST_CASE("Every diagonal is exactly zero, or within its bound", "[laws]", LAE_SCALARS) {
  for (const Shop& shop : shops()) {
    for (const Model& model : all_models<TestType>()) {
      INFO(model.name << ", " << shop);
      const Eigen::ArrayXd diagonal = model.weights(shop).diagonal();
      CHECK((diagonal >= 0).all());
      CHECK((diagonal <= static_cast<TestType>(model.diagonal_bound)).all());
    }
  }
}

TEMPLATE_TEST_CASE("Renaming the items renames the weights", "[laws]", LAE_SCALARS) {
  for (const Shop& shop : shops()) {
    Eigen::PermutationMatrix<Eigen::Dynamic> order(static_cast<int>(shop.x.cols()));
    order.setIdentity();
    RandomData random(30);
    for (Index i = shop.x.cols() - 1; i > 0; --i) {
      std::swap(order.indices()[i], order.indices()[random.below(i + 1)]);
    }
    const Shop renamed = shop.permuted(order);
    for (const Model& model : all_models<TestType>()) {
      INFO(model.name << ", " << shop);
      const Dense expected = order * model.weights(shop) * order.transpose();
      CHECK(largest(model.weights(renamed) - expected) < tolerance<TestType>());
    }
  }
}

TEMPLATE_TEST_CASE("The normal equation holds off the diagonal", "[laws]", LAE_SCALARS) {
  for (const Shop& shop : shops()) {
    for (const Model& model : plain_models<TestType>()) {
      const std::vector<Regression> regressions = model.regressions(shop);
      if (regressions.size() != 1) continue;  // a blend of optima is none
      INFO(model.name << ", " << shop);
      const Regression& regression = regressions.front();
      Dense a = regression.gram;
      a.diagonal().array() += regression.ridge;
      Dense residual = a * model.weights(shop) - regression.gram - regression.kappa_s;
      residual.diagonal().setZero();
      CHECK(largest(residual) < tolerance<TestType>() * (1 + largest(a)) * 10);
    }
  }
}

TEMPLATE_TEST_CASE("Each column is a ridge regression on the other items", "[laws]", LAE_SCALARS) {
  const Shop shop = make_shop(9, 60, 20, 8, 10);
  const Index n = shop.x.cols();
  for (const Model& model : plain_models<TestType>()) {
    const std::vector<Regression> regressions = model.regressions(shop);
    if (regressions.empty()) continue;
    INFO(model.name << ", " << shop);
    const Dense b = model.weights(shop);
    for (Index j = 0; j < n; ++j) {
      std::vector<Index> others;
      for (Index i = 0; i < n; ++i) {
        if (i != j) others.push_back(i);
      }
      Dense column = Dense::Zero(n - 1, 1);
      for (const Regression& regression : regressions) {
        Dense a = regression.gram(others, others);
        a.diagonal().array() += regression.ridge;
        const Dense target = regression.gram(others, j) + regression.kappa_s(others, j);
        column += regression.share * a.ldlt().solve(target);
      }
      CHECK(largest(column - b(others, j)) < tolerance<TestType>());
    }
  }
}

TEMPLATE_TEST_CASE("Fits have the same bits from any number of threads", "[laws][threads]",
                   LAE_SCALARS) {
  // Large enough for several tiles in every step, low-rank and dense.
  for (const Shop& shop : {make_shop(10, 300, 560, 70, 50), make_shop(11, 100, 290, 300, 50)}) {
    for (const Model& model : all_models<TestType>()) {
      INFO(model.name << ", " << shop);
      const auto fit = [&] { return model.weights(shop); };
      const Dense alone = with_threads(1, fit);
      for (const int threads : thread_counts) CHECK(alone == with_threads(threads, fit));
    }
  }
}

TEMPLATE_TEST_CASE("Fits of one program at once have the same bits as alone", "[laws][threads]",
                   LAE_SCALARS) {
  const Shop shop = make_shop(12, 150, 290, 40, 30);
  const std::vector<Model> models = all_models<TestType>();
  std::vector<Dense> alone;
  for (const Model& model : models) alone.push_back(model.weights(shop));
  // Of one kind, and of two.
  const auto fits_from = [&](std::size_t first) {
    return [&, first] {
      std::vector<Dense> fits;
      for (std::size_t i = 0; i < models.size(); ++i) {
        fits.push_back(models[(first + i) % models.size()].weights(shop));
      }
      std::rotate(fits.begin(), fits.end() - static_cast<std::ptrdiff_t>(first), fits.end());
      return fits;
    };
  };
  const auto results = at_once<std::vector<Dense>>({fits_from(0), fits_from(0), fits_from(1)});
  for (const std::vector<Dense>& fits : results) {
    for (std::size_t i = 0; i < models.size(); ++i) {
      INFO(models[i].name << ", " << shop);
      CHECK(fits[i] == alone[i]);
    }
  }
}

TEMPLATE_TEST_CASE("All forms give the same model", "[laws][dual]", LAE_SCALARS) {
  for (const Shop& shop : {make_shop(16, 20, 60, 8, 9), make_shop(17, 40, 90, 100, 50),
                           make_shop(18, 130, 300, 30, 60), make_shop(19, 1, 3, 2, 2)}) {
    const auto check = [&](const std::string& name, const auto& fit) {
      INFO(name << ", " << shop);
      const Dense primal = fit(lae::FitForm::primal).weights().template cast<double>();
      for (const lae::FitForm other : {lae::FitForm::dual, lae::FitForm::eliminated}) {
        INFO(lae::form_name(other));
        CHECK(largest(fit(other).weights().template cast<double>() - primal) <
              tolerance<TestType>());
      }
    };
    using lae::FitForm;
    check("EASE", [&](FitForm f) { return lae::Ease<TestType>({3, {}, f}).fit(shop.x); });
    check("CEASE", [&](FitForm f) {
      return lae::Cease<TestType>({3, 0.4, {}, f}).fit(shop.x, shop.t);
    });
    check("Add-EASE", [&](FitForm f) {
      return lae::AddEase<TestType>({3, 2, 0.3, {}, f}).fit(shop.x, shop.t);
    });
    check("L3AE", [&](FitForm f) {
      return lae::L3ae<TestType>({-2, 1.5, 6, {}, 1, f}).fit(shop.x, shop.f);
    });
  }
}

TEMPLATE_TEST_CASE("Low-rank and dense semantic phases give the same model", "[laws]",
                   LAE_SCALARS) {
  const Shop shop = make_shop(20, 60, 30, 8, 7);
  // Features of zeros change nothing but the shape, and with it the way it is computed.
  Shop padded = shop;
  padded.f = Matrix<double>::Zero(30, 30);
  padded.f.leftCols(8) = shop.f;
  padded.t.conservativeResize(30, 30);
  REQUIRE(lae::detail::is_low_rank(30, 8));
  REQUIRE_FALSE(lae::detail::is_low_rank(30, 30));
  for (const Model& model : all_models<TestType>()) {
    INFO(model.name << ", " << shop);
    CHECK(largest(model.weights(padded) - model.weights(shop)) < tolerance<TestType>());
  }
}

TEST_CASE("float and double agree", "[laws]") {
  const auto in_float = all_models<float>();
  const auto in_double = all_models<double>();
  for (const Shop& shop : shops()) {
    for (std::size_t i = 0; i < in_double.size(); ++i) {
      INFO(in_double[i].name << ", " << shop);
      CHECK(largest(in_float[i].weights(shop) - in_double[i].weights(shop)) < 2e-4);
    }
  }
}

TEMPLATE_TEST_CASE("EASE: every user c times and c times the ridge change nothing", "[laws]",
                   LAE_SCALARS) {
  const Shop shop = make_shop(12, 40, 25, 2, 2);
  const Dense x(shop.x);
  Dense thrice(3 * x.rows(), x.cols());
  thrice << x, x, x;
  const auto once = lae::Ease<TestType>({5}).fit(shop.x);
  const auto again = lae::Ease<TestType>({15}).fit(Csr<double>(thrice.sparseView()));
  CHECK(largest((once.weights() - again.weights()).template cast<double>()) <
        tolerance<TestType>());
}

TEMPLATE_TEST_CASE("CEASE is EASE on interactions stacked on side information", "[laws]",
                   LAE_SCALARS) {
  const Shop shop = make_shop(13, 40, 25, 7, 9);
  const auto stacked = [&](const Dense& side) {
    Dense rows(shop.x.rows() + side.cols(), shop.x.cols());
    rows << Dense(shop.x), std::sqrt(0.6) * side.transpose();
    return lae::Ease<TestType>({5}).fit(Csr<double>(rows.sparseView()));
  };
  const lae::Cease<TestType> cease({5, 0.6});
  CHECK(largest((cease.fit(shop.x, shop.t).weights() - stacked(Dense(shop.t)).weights())
                    .template cast<double>()) < tolerance<TestType>());
  CHECK(largest((cease.fit(shop.x, shop.f).weights() - stacked(shop.f).weights())
                    .template cast<double>()) < tolerance<TestType>());
  const auto without = lae::Cease<TestType>({5, 0}).fit(shop.x, shop.t);
  CHECK(without.weights() == lae::Ease<TestType>({5}).fit(shop.x).weights());
}

TEMPLATE_TEST_CASE("Add-EASE at alpha 0 and 1 is one of its parts", "[laws]", LAE_SCALARS) {
  const Shop shop = make_shop(14, 40, 25, 7, 9);
  const auto on_x = lae::Ease<TestType>({5}).fit(shop.x);
  const auto check = [&](const auto& side) {
    const auto at = [&](double alpha) {
      return lae::AddEase<TestType>({5, 2, alpha}).fit(shop.x, side);
    };
    CHECK(at(0).weights() == on_x.weights());
    CHECK(at(1).weights() == lae::FeatureEase<TestType>({2}).fit(side).weights());
  };
  check(shop.f);
  check(shop.t);
}

TEMPLATE_TEST_CASE("L3AE without distillation is EASE, with all of it the prior", "[laws]",
                   LAE_SCALARS) {
  for (const Index dims : {7, 40}) {
    INFO("dims " << dims);
    const Shop shop = make_shop(15, 40, 25, dims, 9);
    const auto fit = [&](double lambda_x, double lambda_kd) {
      return Dense(lae::L3ae<TestType>({lambda_x, 2, lambda_kd})
                       .fit(shop.x, shop.f)
                       .weights()
                       .template cast<double>());
    };
    const Dense ease = lae::Ease<TestType>({5}).fit(shop.x).weights().template cast<double>();
    CHECK(largest(fit(5, 0) - ease) < tolerance<TestType>());
    const Dense prior = naive::ease(shop.f * shop.f.transpose(), 2);
    const double near = largest(fit(5, 1e4) - prior);
    CHECK(near < 0.01);
    if (std::is_same_v<TestType, double>) CHECK(largest(fit(5, 1e6) - prior) < near / 50);
  }
}

TEMPLATE_TEST_CASE("One source is the same as its columns in two", "[laws][sources]", LAE_SCALARS) {
  using lae::Sources;
  for (const Index dims : {9, 40}) {
    const Shop shop = make_shop(21, 50, 30, dims, 12);
    // Split where dense and sparse sources meet, too.
    Sources<double> whole;
    whole.add(shop.f, 0.5).add(shop.t, 2);
    Sources<double> split;
    split.add(shop.f.leftCols(4), 0.5)
        .add(Csr<double>(shop.t.leftCols(5)), 2)
        .add(shop.f.rightCols(dims - 4), 0.5)
        .add(Csr<double>(shop.t.rightCols(7)), 2);
    // ... and a weight is a factor of the features.
    Dense side(30, dims + 12);
    side << std::sqrt(0.5) * shop.f, std::sqrt(2.0) * Dense(shop.t);
    const auto check = [&](const char* name, const auto& fit) {
      INFO(name << ", " << shop);
      const Dense expected = fit(Matrix<double>(side)).weights().template cast<double>();
      CHECK(largest(Dense(fit(whole).weights().template cast<double>()) - expected) <
            tolerance<TestType>());
      CHECK(largest(Dense(fit(split).weights().template cast<double>()) - expected) <
            tolerance<TestType>());
    };
    check("semantic EASE", [](const auto& f) { return lae::FeatureEase<TestType>({3}).fit(f); });
    check("cosine", [](const auto& f) { return lae::Cosine<TestType>({true}).fit(f); });
    check("CEASE", [&](const auto& f) { return lae::Cease<TestType>({3, 0.4}).fit(shop.x, f); });
    check("Add-EASE", [&](const auto& f) {
      return lae::AddEase<TestType>({3, 2, 0.3}).fit(shop.x, f);
    });
    check("L3AE", [&](const auto& f) { return lae::L3ae<TestType>({-2, 1.5, 6}).fit(shop.x, f); });
    // Relative ridges and weights are relative to all of them together.
    check("L3AE by default", [&](const auto& f) { return lae::L3ae<TestType>().fit(shop.x, f); });
    check("CEASE by default", [&](const auto& f) { return lae::Cease<TestType>().fit(shop.x, f); });
  }
}

TEMPLATE_TEST_CASE("Tags in the Gram matrix and a prior at once", "[laws][sources]", LAE_SCALARS) {
  for (const lae::FitForm form :
       {lae::FitForm::primal, lae::FitForm::dual, lae::FitForm::eliminated}) {
    const Shop shop = make_shop(22, 12, 30, 8, 9);
    lae::Sources<double> both;
    both.add(shop.f).add(shop.t, 0.5, lae::SourceRole::gram);
    const lae::Refinements on = all_refinements();
    for (const lae::Refinements& refinements : {lae::Refinements(), on}) {
      const auto model =
          lae::L3ae<TestType>({-2, 1.5, 6, refinements, 0.8, form}).fit(shop.x, both);
      const Dense x = naive::user_weighted(Dense(shop.x), {}, refinements);
      const Dense gram = x.transpose() * x + 0.8 * 0.5 * Dense(shop.t) * Dense(shop.t).transpose();
      const Dense expected = naive::refined(
          Dense(shop.x), gram, 4, naive::ease(shop.f * shop.f.transpose(), 1.5), 6, refinements);
      CHECK(largest(Dense(model.weights().template cast<double>()) - expected) <
            tolerance<TestType>());
    }
  }
}

TEMPLATE_TEST_CASE("A hand-computed example tells the weights from their transpose", "[laws]",
                   LAE_SCALARS) {
  // Both users have item 0, one has item 1: G = [2 1; 1 1]. With ridge 1, predicting item 1 from
  // item 0 has weight 1 / (2 + 1), the other way round 1 / (1 + 1).
  Csr<double> x(2, 2);
  x.insert(0, 0) = 1;
  x.insert(1, 0) = 1;
  x.insert(1, 1) = 1;
  const auto model = lae::Ease<TestType>({1}).fit(x);
  CHECK(model.weights()(0, 1) == Approx(1.0 / 3));
  CHECK(model.weights()(1, 0) == Approx(1.0 / 2));
  CHECK(model.score({0})[1] == Approx(1.0 / 3));
  CHECK(model.score({1})[0] == Approx(1.0 / 2));
  CHECK(model.score(x)(0, 1) == Approx(1.0 / 3));
}
