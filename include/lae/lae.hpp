#pragma once

/// \file
/// Everything that needs Eigen alone, but for the readers of one publisher's files
/// (lae/data/amazon_csv.hpp). The whole of examples/01_quickstart.cpp:
///
/// \include 01_quickstart.cpp

#include "lae/algebra/truncated_svd.hpp"
#include "lae/data/interactions.hpp"
#include "lae/data/item_tags.hpp"
#include "lae/data/item_text.hpp"
#include "lae/data/prepare_features.hpp"
#include "lae/data/split.hpp"
#include "lae/data/text_features.hpp"
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
#include "lae/ranking/recommend.hpp"
#include "lae/tuning/grid_search.hpp"
#include "lae/tuning/l3ae_protocol.hpp"
#include "lae/tuning/vary.hpp"
#include "lae/version.hpp"
