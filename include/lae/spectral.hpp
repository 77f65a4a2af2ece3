#pragma once

/// \file
/// The spectral models, GF-CF, BSPM and SGFCF, with what searches them and stores them. All else
/// that lae/lae.hpp has takes them as it takes other models.
///
///     lae::SpectralModel<float> model = lae::GfCf<float>().fit(train);
///     lae::save_model("shop.lae", model);

#include "lae/detail/io/spectral_file.hpp"
#include "lae/detail/tuning/spectral_search.hpp"
#include "lae/io/model_file.hpp"
#include "lae/models/bspm.hpp"
#include "lae/models/gf_cf.hpp"
#include "lae/models/sgfcf.hpp"
#include "lae/tuning/grid_search.hpp"
