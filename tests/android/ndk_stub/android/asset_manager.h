/* SPDX-License-Identifier: MIT
 *
 * Of the NDK's header of this name what samples/android uses, for a compiler that has no NDK. Numbers are those of Android's stable interface.
 */
#pragma once
#include <sys/types.h>

typedef struct AAssetManager AAssetManager;
typedef struct AAsset AAsset;
enum { AASSET_MODE_BUFFER = 3 };
AAsset *AAssetManager_open(AAssetManager *manager, const char *name, int mode);
const void *AAsset_getBuffer(AAsset *asset);
off_t AAsset_getLength(AAsset *asset);
void AAsset_close(AAsset *asset);
