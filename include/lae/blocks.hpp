#pragma once

/// \file
/// Models of large catalogues: fits by blocks, what they return, and what ranks and stores it. All
/// else that lae/lae.hpp has takes it as it takes other models.
///
///     auto fit = lae::fit_blocks(lae::Ease<float>({200}), train);
///     lae::save_model("shop.lae", fit.model);
///     auto lists = lae::recommend_near(fit.model, histories, {20});

#include "lae/detail/io/sparse_low_rank_file.hpp"
#include "lae/io/model_file.hpp"
#include "lae/models/blocks.hpp"
#include "lae/models/recommend_near.hpp"
