/* SPDX-License-Identifier: MIT
 *
 * Of the NDK's header of this name what samples/android uses, for a compiler that has no NDK. Numbers are those of Android's stable interface.
 */
#pragma once
#include <android/asset_manager.h>
#include <stdint.h>

typedef struct ANativeWindow ANativeWindow;
typedef struct ANativeWindow_Buffer {
    int32_t width;
    int32_t height;
    int32_t stride;
    int32_t format;
    void *bits;
    uint32_t reserved[6];
} ANativeWindow_Buffer;
typedef struct ARect ARect;
enum { WINDOW_FORMAT_RGBX_8888 = 2 };
int32_t ANativeWindow_getWidth(ANativeWindow *window);
int32_t ANativeWindow_getHeight(ANativeWindow *window);
int32_t ANativeWindow_setBuffersGeometry(ANativeWindow *window, int32_t width, int32_t height,
                                         int32_t format);
int32_t ANativeWindow_lock(ANativeWindow *window, ANativeWindow_Buffer *out, ARect *dirty);
int32_t ANativeWindow_unlockAndPost(ANativeWindow *window);

typedef struct AInputEvent AInputEvent;
enum { AINPUT_EVENT_TYPE_MOTION = 2, AMOTION_EVENT_ACTION_MASK = 0xff, AMOTION_EVENT_ACTION_UP = 1 };
int32_t AInputEvent_getType(const AInputEvent *event);
int32_t AMotionEvent_getAction(const AInputEvent *event);

typedef struct ANativeActivity {
    const char *internalDataPath;
    AAssetManager *assetManager;
} ANativeActivity;

struct android_app;
struct android_poll_source {
    int32_t id;
    struct android_app *app;
    void (*process)(struct android_app *app, struct android_poll_source *source);
};
struct android_app {
    void *userData;
    void (*onAppCmd)(struct android_app *app, int32_t command);
    int32_t (*onInputEvent)(struct android_app *app, AInputEvent *event);
    ANativeActivity *activity;
    ANativeWindow *window;
    int destroyRequested;
};
enum { APP_CMD_INIT_WINDOW = 1, APP_CMD_WINDOW_RESIZED = 3, APP_CMD_WINDOW_REDRAW_NEEDED = 4 };
int ALooper_pollOnce(int timeout, int *fd, int *events, void **data);
void android_main(struct android_app *app);
