/* SPDX-License-Identifier: MIT
 *
 * test_phone PICTURE OUT.png: what samples/android shows, on this machine's device. Exits with 77 where there is none.
 */
#include "complain.h"
#include "phone_scene.h"

#include <vatten/context.h>

#include <stdio.h>
#include <stdlib.h>

#define MOST 4000000

static bool has_device(void) {
    char name[8];
    return vatten_context_device_name(0, name, sizeof name);
}

/* The noise of 25 levels is 20.2 dB; non-local means brings more than 5 to photographs. */
static int check(phone_scene *scene, const char *out) {
    bool good = phone_scene_denoise(scene, 1.0, 1) && scene->gpu_ms > 0 && scene->psnr_gain > 5;
    double best = scene->psnr_gain;
    good = good && photo_save(&scene->screen, out);
    good = good && phone_scene_denoise(scene, 0.3, 1) && scene->psnr_gain < best;
    printf("%.2f dB more; %.2f with less strength; %.2f ms\n", best, scene->psnr_gain, scene->gpu_ms);
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char **argv) {
    static unsigned char bytes[MOST];
    phone_scene scene;
    complain_begin("test_phone");
    FILE *file = argc == 3 ? fopen(argv[1], "rb") : NULL;
    if (!file)
        return EXIT_FAILURE;
    size_t size = fread(bytes, 1, MOST, file);
    fclose(file);
    if (phone_scene_load(&scene, bytes, 100) || !phone_scene_load(&scene, bytes, (int)size))
        return EXIT_FAILURE;
    int status = has_device() ? check(&scene, argv[2]) : 77;
    phone_scene_destroy(&scene);
    return status;
}
