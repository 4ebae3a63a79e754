// SPDX-License-Identifier: MIT
//
// What one pair of a query and a key comes to, once its product is known: hidden or not, with a bias, or a weight
// that the caller gives in place of all that. An entry is where the pair stands in the table of biases, or in q where
// that holds weights; the map knows it as a sum of a row's part and a key's. Hidden pairs have none: they read entry
// 0, which exists, and forget it.

// Whether pairs of a tile must be looked at one by one; `full`: all of them are visible.
bool pairs_differ(bool full)
{
#ifdef VT_BIAS
    return true;
#elif defined(VT_RULES)
    return !full || scores_differ();
#else
    return !full;
#endif
}

float pair_score(float score, MapRow row, MapKey key)
{
    bool sees = map_sees(row, key);
#ifdef VT_RULES
    score = map_score(score, row, key);
#endif
#ifdef VT_BIAS
    score += bias_elem[sees ? map_entry(row, key) : 0u] * LOG2E;
#endif
    return sees ? score : SCORE_HIDDEN;
}

// In plans whose q holds weights (map_weighs).
float pair_weight(MapRow row, MapKey key)
{
    bool sees = map_sees(row, key);
    float weight = vt_to_f32(q_elem[sees ? map_entry(row, key) : 0u]);
    return sees ? weight : 0.0;
}
