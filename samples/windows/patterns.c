/* SPDX-License-Identifier: MIT */
#include "patterns.h"

#define BOTH(...)                                                                                            \
    {                                                                                                        \
        {__VA_ARGS__}, {                                                                                     \
            __VA_ARGS__                                                                                      \
        }                                                                                                    \
    }

const pattern patterns[] = {
    {"window",
     "a window of 7 x 7 around the query",
     2,
     BOTH(.window = 7, .stride = 1, .dilation = 1),
     {12, 12}},
    {"border",
     "at the border the same window moves inward",
     2,
     BOTH(.window = 7, .stride = 1, .dilation = 1),
     {1, 22}},
    {"even",
     "an even window, 8 x 8, has one more key on the left and above",
     2,
     BOTH(.window = 8, .stride = 1, .dilation = 1),
     {12, 12}},
    {"stride",
     "stride 4: the 4 x 4 queries around this one share its window of 8 x 8",
     2,
     BOTH(.window = 8, .stride = 4, .dilation = 1),
     {13, 13}},
    {"blocks",
     "stride = window: blocks of 8 x 8 that do not overlap",
     2,
     BOTH(.window = 8, .stride = 8, .dilation = 1),
     {13, 13}},
    {"dilation",
     "dilation 3: every third token, of the query's own group",
     2,
     BOTH(.window = 5, .stride = 1, .dilation = 3),
     {12, 12}},
    {"causal",
     "causal along the second axis: nothing right of the query",
     2,
     {{.window = 7, .stride = 1, .dilation = 1}, {.window = 7, .stride = 1, .dilation = 1, .causal = true}},
     {12, 12}},
    {"causal-both",
     "causal along both axes",
     2,
     BOTH(.window = 7, .stride = 1, .dilation = 1, .causal = true),
     {12, 12}},
    {"crop",
     "edge CROP: what lies outside is missing",
     2,
     BOTH(.window = 7, .stride = 1, .dilation = 1, .edge = VATTEN_EDGE_CROP),
     {1, 22}},
    {"zero",
     "edge ZERO: what lies outside takes its share, so that each key has less",
     2,
     BOTH(.window = 7, .stride = 1, .dilation = 1, .edge = VATTEN_EDGE_ZERO),
     {1, 22}},
    {"halo",
     "HaloNet: a block of 6 x 6 queries and a halo of 2 around it",
     2,
     BOTH(.window = 10, .stride = 6, .dilation = 1, .edge = VATTEN_EDGE_ZERO),
     {13, 13}},
    {"shifted",
     "Swin's shift by half a window: blocks wrap around, tokens from the other end are hidden",
     2,
     BOTH(.window = 8, .stride = 8, .dilation = 1, .roll = 4),
     {1, 13}},
    {"axial",
     "axial: the whole of one axis, one key of the other",
     2,
     {{.window = 1, .stride = 1, .dilation = 1}, {.window = SIDE, .stride = 1, .dilation = 1}},
     {12, 12}},
    {"long",
     "another window, stride and dilation on each axis",
     2,
     {{.window = 3, .stride = 2, .dilation = 4}, {.window = 12, .stride = 6, .dilation = 1}},
     {12, 12}},
    {"video",
     "4 planes of 12 x 12: a window of 3 x 5 x 5",
     3,
     {{.window = 3, .stride = 1, .dilation = 1},
      {.window = 5, .stride = 1, .dilation = 1},
      {.window = 5, .stride = 1, .dilation = 1}},
     {1, 6, 6}},
    {"video-causal",
     "the same, causal in time",
     3,
     {{.window = 3, .stride = 1, .dilation = 1, .causal = true},
      {.window = 5, .stride = 1, .dilation = 1},
      {.window = 5, .stride = 1, .dilation = 1}},
     {1, 6, 6}},
};
const unsigned pattern_count = sizeof patterns / sizeof patterns[0];

uint64_t pattern_extent(const pattern *p, uint32_t axis) {
    if (p->rank == 3)
        return axis == 0 ? 4 : SIDE / 2;
    return SIDE;
}

uint64_t pattern_query(const pattern *p) {
    uint64_t token = 0;
    for (uint32_t a = 0; a < p->rank; a++)
        token = token * pattern_extent(p, a) + p->query[a];
    return token;
}
