#pragma once

/// \file
/// All linear autoencoders, and what fits, tunes, ranks, evaluates, explains and stores models:
/// what needs Eigen alone. Not in it, so that it compiles fast: spectral models (lae/spectral.hpp),
/// fits by blocks (lae/blocks.hpp), splits (lae/data/split.hpp), what makes features of texts and
/// tags (lae/data/prepare_features.hpp, text_features.hpp, item_tags.hpp, item_text.hpp,
/// latent_semantics.hpp), and the readers of one publisher's files (lae/data/amazon_csv.hpp). The
/// whole of examples/01_quickstart.cpp:
///
/// \include 01_quickstart.cpp

#include "lae/data/interactions.hpp"
#include "lae/evaluation/evaluate.hpp"
#include "lae/io/model_file.hpp"
#include "lae/io/npy.hpp"
#include "lae/models/add_ease.hpp"
#include "lae/models/cease.hpp"
#include "lae/models/cosine.hpp"
#include "lae/models/ease.hpp"
#include "lae/models/feature_ease.hpp"
#include "lae/models/item_model.hpp"
#include "lae/models/l3ae.hpp"
#include "lae/ranking/explain.hpp"
#include "lae/ranking/popularity.hpp"
#include "lae/ranking/recommend.hpp"
#include "lae/tuning/grid_search.hpp"
#include "lae/tuning/l3ae_protocol.hpp"
#include "lae/tuning/one_standard_error.hpp"
#include "lae/tuning/vary.hpp"
#include "lae/version.hpp"
