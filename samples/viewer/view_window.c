/* SPDX-License-Identifier: MIT */
#include "view_window.h"

#include <ctype.h>
#include <stdio.h>

#include "complain.h"
#include "view_actions.h"
#include "view_frame.h"
#include "view_swapchain.h"

/* How long to sleep when nothing happens, and when a frame waits for its turn, in seconds. */
static const double idle = 1.0, soon = 0.02;

typedef struct view_app {
    const viewer_options *options;
    view_engine *engine;
    view_state *state;
    photo *picture;
    uint32_t at; /* which of the options' photographs it is */
    GLFWwindow *window;
    view_display display;
    view_swapchain swapchain;
    photo frame;
    view_layout layout; /* of the frame that is shown */
    uint32_t scale;
    double mouse_x, mouse_y; /* in pixels of the frame, when it last moved */
    bool changed;            /* what is shown is not what should be */
    uint64_t frames;
    bool save, quit; /* asked for */
} view_app;

static view_app *app_of(GLFWwindow *window) {
    return glfwGetWindowUserPointer(window);
}

/* ---- Input -------------------------------------------------------------------------------------------- */

/* One that cannot be read is told, and the other one stays. */
static void load(view_app *app, const char *path) {
    photo other;
    if (!photo_load(&other, path)) {
        return;
    }
    photo_destroy(app->picture);
    *app->picture = other;
    view_set_photo(app->state, other.width, other.height);
    view_engine_new_picture(app->engine);
    app->changed = true;
}

/* The next of the options' photographs, or the one before. */
static void turn_over(view_app *app, bool next) {
    uint32_t count = app->options->photo_count;
    app->at = (app->at + (next ? 1 : count - 1)) % count;
    load(app, app->options->photos[app->at]);
}

static void press(view_app *app, uint32_t key, bool shift) {
    view_wish wish = view_press(app->state, key, shift);
    app->quit = app->quit || wish == VIEW_QUIT;
    app->save = app->save || wish == VIEW_SAVE;
    if (wish == VIEW_NEXT || wish == VIEW_PREVIOUS) {
        turn_over(app, wish == VIEW_NEXT);
    }
    app->changed = true;
}

/* Keys that write something, by what they write: a plus is a plus on every keyboard. */
static void on_letter(GLFWwindow *window, unsigned letter) {
    press(app_of(window), letter < 128 ? (uint32_t)tolower((int)letter) : 0, false);
}

static void on_key(GLFWwindow *window, int key, int scancode, int action, int mods) {
    static const struct {
        int key;
        uint32_t means;
    } rows[] = {
        {GLFW_KEY_LEFT, VIEW_KEY_LEFT},       {GLFW_KEY_RIGHT, VIEW_KEY_RIGHT},
        {GLFW_KEY_UP, VIEW_KEY_UP},           {GLFW_KEY_DOWN, VIEW_KEY_DOWN},
        {GLFW_KEY_PAGE_UP, VIEW_KEY_PAGE_UP}, {GLFW_KEY_PAGE_DOWN, VIEW_KEY_PAGE_DOWN},
        {GLFW_KEY_TAB, VIEW_KEY_TAB},         {GLFW_KEY_ESCAPE, VIEW_KEY_ESCAPE},
        {GLFW_KEY_F1, VIEW_KEY_HELP},
    };
    (void)scancode;
    for (size_t i = 0; action != GLFW_RELEASE && i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (rows[i].key == key) {
            press(app_of(window), rows[i].means, (mods & GLFW_MOD_SHIFT) != 0);
        }
    }
}

/* From the window's coordinates, which on some screens are coarser, to pixels of the frame. */
static void to_frame(const view_app *app, double *x, double *y) {
    int width = 1, height = 1;
    glfwGetWindowSize(app->window, &width, &height);
    *x *= (double)app->layout.width / (width > 0 ? width : 1);
    *y *= (double)app->layout.height / (height > 0 ? height : 1);
}

static void on_move(GLFWwindow *window, double x, double y) {
    view_app *app = app_of(window);
    to_frame(app, &x, &y);
    app->mouse_x = x;
    app->mouse_y = y;
    view_mouse_move(app->state, &app->layout, x, y);
    app->changed = true;
}

/* Where the mouse is now is not where it was pressed, if a frame has taken its time meanwhile: moves come in order. */
static void on_button(GLFWwindow *window, int button, int action, int mods) {
    view_app *app = app_of(window);
    (void)mods;
    if (button == GLFW_MOUSE_BUTTON_LEFT && action == GLFW_PRESS) {
        view_mouse_down(app->state, &app->layout, app->mouse_x, app->mouse_y);
    } else if (button == GLFW_MOUSE_BUTTON_LEFT) {
        view_mouse_up(app->state);
    }
    app->changed = true;
}

static void on_wheel(GLFWwindow *window, double across, double down) {
    view_app *app = app_of(window);
    (void)across;
    view_mouse_wheel(app->state, &app->layout, app->mouse_x, app->mouse_y, down);
    app->changed = true;
}

static void on_leave(GLFWwindow *window, int entered) {
    view_app *app = app_of(window);
    if (!entered && !app->state->pinned) {
        app->state->hovering = false;
        app->changed = true;
    }
}

static void on_drop(GLFWwindow *window, int count, const char **paths) {
    if (count > 0) {
        load(app_of(window), paths[0]);
    }
}

static void on_refresh(GLFWwindow *window) {
    app_of(window)->changed = true;
}

static void on_size(GLFWwindow *window, int width, int height) {
    (void)width;
    (void)height;
    on_refresh(window);
}

static void on_error(int code, const char *text) {
    complain("window: %s (%d)", text, code);
}

/* ---- The window --------------------------------------------------------------------------------------- */

static void listen(view_app *app) {
    GLFWwindow *window = app->window;
    glfwSetWindowUserPointer(window, app);
    glfwSetKeyCallback(window, on_key);
    glfwSetCharCallback(window, on_letter);
    glfwSetCursorPosCallback(window, on_move);
    glfwSetMouseButtonCallback(window, on_button);
    glfwSetScrollCallback(window, on_wheel);
    glfwSetCursorEnterCallback(window, on_leave);
    glfwSetDropCallback(window, on_drop);
    glfwSetWindowRefreshCallback(window, on_refresh);
    glfwSetFramebufferSizeCallback(window, on_size);
}

static uint32_t screen_scale(GLFWwindow *window) {
    float x = 1.0f, y = 1.0f;
    glfwGetWindowContentScale(window, &x, &y);
    return x >= 1.5f ? (uint32_t)(x + 0.5f) : 1;
}

static bool open_window(view_app *app) {
    glfwSetErrorCallback(on_error);
    if (!glfwInit()) {
        return complain("no window to be had; --headless --screenshot FILE needs none");
    }
    if (!glfwVulkanSupported()) {
        return complain("GLFW finds no Vulkan loader; --headless --screenshot FILE needs no window");
    }
    glfwWindowHint(GLFW_CLIENT_API, GLFW_NO_API);
    app->window =
        glfwCreateWindow((int)app->options->width, (int)app->options->height, "vatten viewer", NULL, NULL);
    if (!app->window) {
        return false;
    }
    listen(app);
    app->scale = app->options->scale ? app->options->scale : screen_scale(app->window);
    return view_display_create(&app->display, app->window, view_engine_result(app->engine)->device,
                               app->options->validation) &&
           view_swapchain_create(&app->swapchain, &app->display, app->window);
}

static void close_window(view_app *app) {
    view_swapchain_destroy(&app->swapchain);
    view_display_destroy(&app->display);
    photo_destroy(&app->frame);
    if (app->window) {
        glfwDestroyWindow(app->window);
    }
    glfwTerminate();
}

/* ---- Frames ------------------------------------------------------------------------------------------- */

static bool draw(view_app *app, uint32_t width, uint32_t height) {
    if (app->frame.width != width || app->frame.height != height) {
        photo_destroy(&app->frame);
        if (!photo_create(&app->frame, width, height)) {
            return false;
        }
    }
    app->layout = view_layout_of(app->state, width, height, app->scale);
    return view_frame_draw(&app->frame, &app->layout, app->state, view_engine_result(app->engine));
}

/* Trouble is shown in the frame, and ends nothing. */
static bool show(view_app *app) {
    uint32_t width, height;
    bool shown = false;
    if (!view_swapchain_fit(&app->swapchain, &width, &height)) {
        return false;
    }
    if (width == 0) { /* minimised: an event will tell when it is back */
        app->changed = false;
        return true;
    }
    (void)view_engine_update(app->engine, app->state);
    if (!draw(app, width, height) || !view_swapchain_show(&app->swapchain, &app->frame, &shown)) {
        return false;
    }
    app->changed = !shown;
    app->frames += shown;
    return true;
}

static bool save(view_app *app) {
    const char *path = app->options->screenshot ? app->options->screenshot : "viewer.png";
    return app->frame.rgb && photo_save(&app->frame, path);
}

static bool loop(view_app *app) {
    app->changed = true;
    while (!app->quit && !glfwWindowShouldClose(app->window)) {
        if (app->changed && !show(app)) {
            return false;
        }
        if (app->save && !app->changed) { /* what is saved is what is shown */
            (void)save(app);              /* that it could not is no reason to end */
            app->save = false;
        }
        glfwWaitEventsTimeout(app->changed ? soon : idle);
    }
    bool last = app->save || app->options->screenshot;
    return !last || ((!app->changed || show(app)) && save(app));
}

bool view_window_run(const viewer_options *options, view_engine *engine, view_state *state, photo *picture) {
    view_app app = {.options = options, .engine = engine, .state = state, .picture = picture};
    bool done = open_window(&app) && loop(&app);
    uint32_t complaints = app.display.complaints;
    if (done) {
        printf("%llu frames, swapchain made %u times\n", (unsigned long long)app.frames, app.swapchain.made);
    }
    close_window(&app);
    complaints = app.display.complaints > complaints ? app.display.complaints : complaints;
    return done && (complaints == 0 ||
                    complain("%u complaints of the validation layer about the window", complaints));
}
