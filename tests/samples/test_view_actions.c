/* SPDX-License-Identifier: MIT
 *
 * The pure part of the sample viewer: whatever keys and mouse do, the state stays one that a plan can be made for; and the keys
 * that are marked are those of the oracle.
 */
#include "mixer.h"
#include "ref.h"
#include "view_actions.h"
#include "view_problem.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h> /* after the four above */

enum { WIDTH = 1100, HEIGHT = 620 };

static uint64_t dice_state;

static uint32_t dice(uint32_t sides) {
    return (uint32_t)(mixer_mixed(dice_state += MIXER_STEP) % sides);
}

static const uint32_t sizes[][2] = {{480, 384}, {1, 1}, {1, 7}, {5000, 30}, {3, 4000}, {33, 34}};
enum { SIZES = sizeof sizes / sizeof sizes[0] };

static void assert_axis(const view_problem *p, int a) {
    if (p->pattern == VIEW_WINDOW || p->pattern == VIEW_NEIGHBORHOOD) {
        assert_in_range(p->stride[a], 1, p->window[a]);
        assert_in_range(p->dilation[a], 1, p->extent[a]);
        assert_true(p->window[a] * p->dilation[a] <= p->extent[a]);
    } else if (p->pattern == VIEW_BLOCKS) {
        assert_in_range(p->block[a], 1, p->extent[a]);
        assert_in_range(p->top, 1, view_block_count(p));
    }
}

static void assert_sound(const view_state *s) {
    view_problem p = view_problem_of(s);
    uint32_t x, y;
    view_token(s, &x, &y);
    assert_true(x < p.extent[1] && y < p.extent[0]);
    for (int v = 0; v < VIEW_VALUES; v++) {
        view_range range = view_value_range(s, (view_value)v);
        assert_true(range.least <= range.most);
        if (view_has_value(s, (view_value)v))
            assert_in_range(view_get(s, (view_value)v), range.least, range.most);
    }
    assert_int_equal(view_get(s, VIEW_PATCH) % 2, 1);
    assert_true(view_has_value(s, s->focus));
    assert_true(s->zoom >= 1 && s->zoom <= VIEW_MAX_ZOOM && (s->zoom & (s->zoom - 1)) == 0);
    assert_axis(&p, 0);
    assert_axis(&p, 1);
}

static void do_anything(view_state *s) {
    static const uint32_t keys[] = {'1', '2', '3', '4', '-', '+', '=', '[', ']', 'v',
                                    'h', 'z', 'x', ' ', '?', 's', 'y', 0,   127};
    view_layout l = view_layout_of(s, 1 + dice(2) * WIDTH, 1 + dice(2) * HEIGHT, 1 + dice(2));
    double x = dice(l.width + 50) - 25.0, y = dice(l.height + 50) - 25.0;
    switch (dice(8)) {
    case 7: {
        uint32_t i = dice(SIZES);
        view_set_photo(s, sizes[i][0], sizes[i][1]);
        break;
    }
    case 0:
        view_mouse_move(s, &l, x, y);
        break;
    case 1:
        view_mouse_down(s, &l, x, y);
        break;
    case 2:
        view_mouse_up(s);
        break;
    case 3:
        view_mouse_wheel(s, &l, x, y, (int)dice(3) - 1);
        break;
    case 4:
        (void)view_press(s, VIEW_KEY_LEFT + dice(VIEW_KEY_TAB + 1 - VIEW_KEY_LEFT), dice(2));
        break;
    default:
        (void)view_press(s, keys[dice(sizeof keys / sizeof keys[0])], dice(2));
    }
}

static void any_input_leaves_a_sound_state(void **state) {
    (void)state;
    for (int i = 0; i < SIZES; i++) {
        view_state s = view_state_begin(sizes[i][0], sizes[i][1]);
        assert_sound(&s);
        for (int round = 0; round < 20000; round++) {
            do_anything(&s);
            assert_sound(&s);
        }
        assert_int_equal(view_press(&s, 'r', false), VIEW_GO_ON);
        assert_int_equal(s.zoom, 1);
    }
}

static void keys_do_what_they_say(void **state) {
    (void)state;
    view_state s = view_state_begin(480, 384);
    view_point_at(&s, 10, 20);
    uint32_t x, y;
    (void)view_press(&s, VIEW_KEY_RIGHT, true);
    (void)view_press(&s, VIEW_KEY_UP, false);
    view_token(&s, &x, &y);
    assert_true(x == 18 && y == 19 && s.pinned);
    uint32_t strength = view_get(&s, VIEW_STRENGTH);
    (void)view_press(&s, ']', false);
    assert_int_equal(view_get(&s, VIEW_STRENGTH), strength + 5);
    assert_int_equal(view_press(&s, 's', false), VIEW_SAVE);
    (void)view_press(&s, VIEW_KEY_HELP, false);
    assert_int_equal(view_press(&s, VIEW_KEY_ESCAPE, false), VIEW_GO_ON); /* closes the help */
    assert_false(s.help);
    assert_int_equal(view_press(&s, VIEW_KEY_ESCAPE, false), VIEW_QUIT);
}

static void another_photograph_keeps_what_was_chosen(void **state) {
    (void)state;
    view_state s = view_state_begin(480, 384);
    view_choose(&s, VIEW_BLOCKS);
    view_set(&s, VIEW_TOP, 9);
    view_set(&s, VIEW_STRENGTH, 123);
    view_set_photo(&s, 640, 200);
    assert_true(s.pattern == VIEW_BLOCKS && view_get(&s, VIEW_TOP) == 9 &&
                view_get(&s, VIEW_STRENGTH) == 123);
    assert_int_equal(view_get(&s, VIEW_GRID), 128);
    view_set_photo(&s, 20, 30);
    assert_int_equal(view_get(&s, VIEW_GRID), 30);
    assert_int_equal(view_get(&s, VIEW_TOP), 4); /* blocks that there are */
    assert_true(view_press(&s, 'n', false) == VIEW_NEXT && view_press(&s, 'p', false) == VIEW_PREVIOUS);
}

static void sliders_reach_their_ends(void **state) {
    (void)state;
    for (int p = 0; p < VIEW_PATTERNS; p++)
        for (int v = 0; v < VIEW_VALUES; v++) {
            view_state s = view_state_begin(480, 384);
            view_choose(&s, (view_pattern)p);
            view_layout l = view_layout_of(&s, WIDTH, HEIGHT, 1);
            if (!view_has_value(&s, (view_value)v))
                continue;
            double y = l.track[v].y + l.track[v].height / 2;
            view_mouse_down(&s, &l, l.track[v].x, y);
            assert_int_equal(view_get(&s, (view_value)v), view_value_range(&s, (view_value)v).least);
            view_mouse_move(&s, &l, WIDTH + 100, 0); /* held, it may leave the track */
            assert_int_equal(view_get(&s, (view_value)v), view_value_range(&s, (view_value)v).most);
            view_mouse_up(&s);
            view_mouse_move(&s, &l, l.track[v].x, y);
            assert_int_equal(view_get(&s, (view_value)v), view_value_range(&s, (view_value)v).most);
        }
}

static void the_wheel_keeps_what_is_under_the_mouse(void **state) {
    (void)state;
    view_state s = view_state_begin(480, 384);
    view_layout l = view_layout_of(&s, WIDTH, HEIGHT, 1);
    double x = l.picture.x + l.picture.width * 0.6, y = l.picture.y + l.picture.height * 0.3;
    for (int i = 0; i < 4; i++) {
        double before_x, before_y, after_x, after_y;
        view_place_at(&s, &l, x, y, &before_x, &before_y);
        view_mouse_wheel(&s, &l, x, y, 1.0);
        view_place_at(&s, &l, x, y, &after_x, &after_y);
        assert_true(fabs(before_x - after_x) < 1e-9 && fabs(before_y - after_y) < 1e-9);
    }
    assert_int_equal(s.zoom, 16);
}

static view_state any_grid_state(void) {
    view_state s = view_state_begin(20 + dice(60), 5 + dice(60));
    view_choose(&s, VIEW_NEIGHBORHOOD);
    view_set(&s, VIEW_SIDE, dice(32));
    view_set(&s, VIEW_STRIDE, dice(32));
    view_set(&s, VIEW_DILATION, dice(9));
    return s;
}

static void marked_keys_are_the_oracles(void **state) {
    (void)state;
    for (int round = 0; round < 300; round++) {
        view_state s = any_grid_state();
        view_problem p = view_problem_of(&s);
        ref_grid_rule rule = {.rank = 2};
        for (int a = 0; a < 2; a++)
            rule.axis[a] = (ref_axis_rule){.extent = p.extent[a],
                                           .window = p.window[a],
                                           .stride = p.stride[a],
                                           .dilation = p.dilation[a]};
        uint64_t tokens = view_tokens(&p), query = dice((uint32_t)tokens), keys = 0;
        unsigned char *seen = malloc((size_t)tokens);
        assert_non_null(seen);
        uint64_t marked = view_mark_keys(&p, (uint32_t)(query % p.extent[1]), (uint32_t)(query / p.extent[1]),
                                         NULL, 0, seen);
        for (uint64_t key = 0; key < tokens; key++) {
            assert_int_equal(seen[key], ref_grid_visible(&rule, query, key));
            keys += seen[key];
        }
        assert_int_equal(marked, keys);
        free(seen);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_input_leaves_a_sound_state),
        cmocka_unit_test(keys_do_what_they_say),
        cmocka_unit_test(another_photograph_keeps_what_was_chosen),
        cmocka_unit_test(sliders_reach_their_ends),
        cmocka_unit_test(the_wheel_keeps_what_is_under_the_mouse),
        cmocka_unit_test(marked_keys_are_the_oracles),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
