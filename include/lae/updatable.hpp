#pragma once

/// \file
/// Models that take in new data without a new fit, and what stores them. All else that lae/lae.hpp
/// has takes them as it takes other models.
///
///     auto model = lae::make_updatable(lae::L3ae<double>(), train, embeddings);
///     model.set_histories({17, 42}, histories);
///     lae::save_model("shop.lae", model);
///     model = lae::load_model<lae::UpdatableModel<double>>("shop.lae");  // goes on, to the bit

#include "lae/detail/io/updatable_file.hpp"
#include "lae/io/model_file.hpp"
#include "lae/models/updatable.hpp"
