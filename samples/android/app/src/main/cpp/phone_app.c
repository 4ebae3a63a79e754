/* SPDX-License-Identifier: MIT
 *
 * The native activity: the picture on the window, and each tap denoises anew with another strength. What goes wrong is in the log under
 * "vatten", since programs on a phone have no stderr.
 */
#include <android/asset_manager.h>
#include <android/log.h>
#include <android_native_app_glue.h>
#include <stdio.h>
#include <string.h>

#include "complain.h"
#include "phone_scene.h"

#define REPEAT 5u

static const double shares[] = {1.0, 0.6, 1.5};

typedef struct phone {
    phone_scene scene;
    bool loaded;
    char errors[512]; /* path of a file that is stderr */
    uint32_t taps;
} phone;

/* Anew: what was told before is gone. */
static void catch_errors(const phone *p) {
    if (!freopen(p->errors, "w", stderr))
        __android_log_write(ANDROID_LOG_WARN, "vatten", "reasons of failures cannot be shown");
}

static void log_errors(const phone *p) {
    char line[512];
    fflush(stderr);
    FILE *file = fopen(p->errors, "r");
    while (file && fgets(line, sizeof line, file))
        __android_log_write(ANDROID_LOG_ERROR, "vatten", line);
    if (file)
        fclose(file);
    catch_errors(p); /* each is told once */
}

static bool load(phone *p, AAssetManager *assets) {
    AAsset *asset = AAssetManager_open(assets, "coffee.png", AASSET_MODE_BUFFER);
    if (!asset)
        return complain("the package has no coffee.png");
    const void *bytes = AAsset_getBuffer(asset);
    bool loaded = bytes && phone_scene_load(&p->scene, bytes, (int)AAsset_getLength(asset));
    AAsset_close(asset);
    return loaded;
}

/* One row of the screen, or black beside it. */
static void copy_row(const photo *screen, int64_t y, uint32_t *out) {
    const uint8_t *rgb = y < 0 || y >= screen->height ? NULL : screen->rgb + (size_t)y * screen->width * 3;
    for (uint32_t x = 0; x < screen->width; ++x)
        out[x] =
            rgb ? 0xff000000u | (uint32_t)rgb[3 * x + 2] << 16 | (uint32_t)rgb[3 * x + 1] << 8 | rgb[3 * x]
                : 0xff000000u;
}

/* The buffer is as wide as the screen of the scene and has the window's proportions; the system scales it. */
static void show(const phone_scene *scene, ANativeWindow *window) {
    const photo *screen = &scene->screen;
    int32_t width = ANativeWindow_getWidth(window), height = ANativeWindow_getHeight(window);
    if (width <= 0 || height <= 0 || screen->width == 0)
        return;
    int32_t rows = (int32_t)((int64_t)screen->width * height / width);
    ANativeWindow_Buffer buffer;
    if (rows <= 0 ||
        ANativeWindow_setBuffersGeometry(window, (int32_t)screen->width, rows, WINDOW_FORMAT_RGBX_8888) ||
        ANativeWindow_lock(window, &buffer, NULL))
        return;
    int64_t above = (buffer.height - (int64_t)screen->height) / 2;
    if (buffer.width >= (int32_t)screen->width)
        for (int32_t y = 0; y < buffer.height; ++y)
            copy_row(screen, y - above, (uint32_t *)buffer.bits + (size_t)y * (size_t)buffer.stride);
    ANativeWindow_unlockAndPost(window);
}

static void denoise(struct android_app *app) {
    phone *p = app->userData;
    if (p->loaded) {
        phone_scene_denoise(&p->scene, shares[p->taps % (sizeof shares / sizeof shares[0])], REPEAT);
        if (app->window)
            show(&p->scene, app->window);
    }
    log_errors(p);
}

static void on_command(struct android_app *app, int32_t command) {
    phone *p = app->userData;
    if (command == APP_CMD_INIT_WINDOW && p->scene.gpu_ms == 0)
        denoise(app);
    else if (p->loaded && app->window &&
             (command == APP_CMD_INIT_WINDOW || command == APP_CMD_WINDOW_RESIZED ||
              command == APP_CMD_WINDOW_REDRAW_NEEDED))
        show(&p->scene, app->window);
}

static int32_t on_input(struct android_app *app, AInputEvent *event) {
    phone *p = app->userData;
    if (AInputEvent_getType(event) != AINPUT_EVENT_TYPE_MOTION ||
        (AMotionEvent_getAction(event) & AMOTION_EVENT_ACTION_MASK) != AMOTION_EVENT_ACTION_UP)
        return 0;
    p->taps++;
    denoise(app);
    return 1;
}

void android_main(struct android_app *app) {
    phone p = {.loaded = false};
    complain_begin("denoise");
    snprintf(p.errors, sizeof p.errors, "%s/errors.txt", app->activity->internalDataPath);
    catch_errors(&p);
    p.loaded = load(&p, app->activity->assetManager);
    app->userData = &p;
    app->onAppCmd = on_command;
    app->onInputEvent = on_input;
    while (!app->destroyRequested) {
        struct android_poll_source *source = NULL;
        ALooper_pollOnce(-1, NULL, NULL, (void **)&source);
        if (source)
            source->process(app, source);
    }
    log_errors(&p);
    phone_scene_destroy(&p.scene);
}
