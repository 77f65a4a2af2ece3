#pragma once

/// \file
/// Models of catalogues whose n x n matrix has no place: their fits, lists of near items, searches,
/// which share what points have in common, files; and pruning, which makes other models as small.
/// All else that lae/lae.hpp has takes them as it takes other models.
///
///     using L3ae = lae::Blocks<lae::L3ae<float>>;
///     L3ae::Options start{{-50, 10, 150}, {/*neighbours=*/200}};
///     auto points = lae::vary(std::vector{start}, "lambda_f", {2, 10, 50});
///     points = lae::vary(points, "lambda_kd", {50, 100, 150});
///     auto search = lae::grid_search<L3ae>(points, train, embeddings, valid);
///     search.trials[0].options;  // the best, and search.model its SparseLowRankModel
///     lae::save_model("shop.lae", search.model);

#include "lae/detail/io/sparse_low_rank_file.hpp"
#include "lae/detail/tuning/block_search.hpp"
#include "lae/io/model_file.hpp"
#include "lae/models/blocks.hpp"
#include "lae/models/prune.hpp"
#include "lae/models/recommend_near.hpp"
#include "lae/tuning/grid_search.hpp"
#include "lae/tuning/one_standard_error.hpp"
