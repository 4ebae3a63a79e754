/* SPDX-License-Identifier: MIT
 *
 * The pieces of samples/denoise against their promises, on every small axis and on clips of all sizes.
 */
#include "pieces.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h> /* after the four above */

/* The first key of a window that is moved inward at the borders. */
static uint32_t window_begin(uint32_t i, uint32_t window, uint32_t extent) {
    uint32_t begin = i > window / 2 ? i - window / 2 : 0;
    return begin < extent - window ? begin : extent - window;
}

/* Kept pixels follow each other without a gap, and each sees in its piece what it sees in the whole. */
static void assert_axis(const axis_cut *cut) {
    uint32_t count = 0;
    uint32_t done = 0;
    for (axis_piece p = {0}; axis_next(cut, &p); count++) {
        assert_int_equal(p.keep_begin, done);
        assert_true(p.keep_end > done && p.keep_end <= cut->extent);
        assert_true(p.begin + cut->piece <= cut->extent);
        for (uint32_t i = p.keep_begin; i < p.keep_end; i++) {
            assert_int_equal(window_begin(i, cut->window, cut->extent),
                             p.begin + window_begin(i - p.begin, cut->window, cut->piece));
        }
        done = p.keep_end;
    }
    assert_int_equal(done, cut->extent);
    assert_int_equal(count, axis_count(cut));
}

static void every_axis_is_covered_once(void **state) {
    (void)state;
    for (uint32_t extent = 1; extent <= 40; extent++) {
        for (uint32_t window = 1; window <= extent; window++) {
            for (uint32_t piece = window; piece <= extent; piece++) {
                axis_cut cut = {extent, piece, window};
                assert_axis(&cut);
            }
        }
    }
}

/* The least that any pieces within the bounds compute; UINT64_MAX if none are. */
static uint64_t least_pixels(const axis_cut given[CLIP_AXES], uint64_t max_pixels, uint32_t side) {
    uint64_t least = UINT64_MAX;
    axis_cut cut[CLIP_AXES];
    memcpy(cut, given, sizeof cut);
    for (cut[0].piece = cut[0].window; cut[0].piece <= cut[0].extent; cut[0].piece++) {
        for (cut[1].piece = cut[1].window; cut[1].piece <= cut[1].extent; cut[1].piece++) {
            for (cut[2].piece = cut[2].window; cut[2].piece <= cut[2].extent; cut[2].piece++) {
                bool fits = pieces_pixels(cut) <= max_pixels && cut[1].piece <= side && cut[2].piece <= side;
                uint64_t all = pieces_pixels(cut) * pieces_count(cut);
                least = fits && all < least ? all : least;
            }
        }
    }
    return least;
}

static void assert_choice(const axis_cut given[CLIP_AXES], uint64_t max_pixels, uint32_t side) {
    axis_cut cut[CLIP_AXES];
    memcpy(cut, given, sizeof cut);
    uint64_t least = least_pixels(given, max_pixels, side);
    bool found = pieces_choose(cut, max_pixels, side);
    assert_int_equal(found, least < UINT64_MAX);
    if (found) {
        assert_true(pieces_pixels(cut) <= max_pixels);
        assert_true(cut[CLIP_Y].piece <= side && cut[CLIP_X].piece <= side);
        assert_true(pieces_pixels(cut) * pieces_count(cut) == least);
    }
}

static void the_choice_computes_least(void **state) {
    (void)state;
    const axis_cut clips[][CLIP_AXES] = {
        {{1, 0, 1}, {17, 0, 5}, {23, 0, 5}}, {{9, 0, 5}, {12, 0, 3}, {20, 0, 7}},
        {{14, 0, 2}, {6, 0, 6}, {31, 0, 4}}, {{3, 0, 3}, {30, 0, 9}, {8, 0, 8}},
        {{5, 0, 1}, {1, 0, 1}, {40, 0, 12}},
    };
    for (size_t i = 0; i < sizeof clips / sizeof clips[0]; i++) {
        for (uint64_t max_pixels = 1; max_pixels < 1200; max_pixels += 1 + max_pixels / 6) {
            for (uint32_t side = 2; side < 40; side += 5) {
                assert_choice(clips[i], max_pixels, side);
            }
        }
    }
}

/* All boxes together keep each pixel of a clip once. */
static void all_axes_are_stepped_through(void **state) {
    (void)state;
    axis_cut cut[CLIP_AXES] = {{7, 4, 3}, {11, 6, 4}, {9, 9, 5}};
    unsigned char kept[7][11][9] = {0};
    uint64_t count = 0;
    for (clip_piece p = {0}; pieces_next(cut, &p); count++) {
        clip_box box = piece_kept(&p);
        for (uint32_t t = 0; t < box.size[CLIP_T]; t++) {
            for (uint32_t y = 0; y < box.size[CLIP_Y]; y++) {
                for (uint32_t x = 0; x < box.size[CLIP_X]; x++) {
                    kept[box.begin[CLIP_T] + t][box.begin[CLIP_Y] + y][box.begin[CLIP_X] + x]++;
                }
            }
        }
    }
    assert_true(count == pieces_count(cut) && count > 4);
    for (size_t i = 0; i < sizeof kept; i++) {
        assert_int_equal((&kept[0][0][0])[i], 1);
    }
}

/* What the sample meets: a photograph of 12 megapixels, and a minute of video. */
static void large_clips_are_cut_in_no_time(void **state) {
    (void)state;
    axis_cut still[CLIP_AXES] = {{1, 0, 1}, {3000, 0, 21}, {4000, 0, 21}};
    assert_true(pieces_choose(still, 400000, UINT32_MAX));
    assert_true(pieces_pixels(still) * pieces_count(still) < 3000u * 4000u * 11 / 10);
    axis_cut video[CLIP_AXES] = {{1500, 0, 5}, {1080, 0, 21}, {1920, 0, 21}};
    assert_true(pieces_choose(video, 400000, UINT32_MAX));
    assert_true(pieces_pixels(video) * pieces_count(video) < (uint64_t)1500 * 1080 * 1920 * 2);
}

#define TEST(NAME) cmocka_unit_test(NAME)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(every_axis_is_covered_once),
        TEST(the_choice_computes_least),
        TEST(all_axes_are_stepped_through),
        TEST(large_clips_are_cut_in_no_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
