#include <lae/models/ease.hpp>

lae::Ease<int> ease;
