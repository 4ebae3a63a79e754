/* SPDX-License-Identifier: MIT
 *
 * Opening the Vulkan loader. By hand, since the functions that volk and -lvulkan define must stay the application's own: as
 * a static library beside either, a volk of the context's would take their places.
 */
#ifdef __ANDROID__
#include "ctx.h"

#include <android/hardware_buffer.h>
#endif

#include "ctx_vk.h"

#include <stddef.h>

#ifdef _WIN32
#include <windows.h>
static const char *const names[] = {"vulkan-1.dll"};
#else
#include <dlfcn.h>
#ifdef __APPLE__
static const char *const names[] = {
    "libvulkan.dylib",         "libvulkan.1.dylib",           "libMoltenVK.dylib",
    "vulkan.framework/vulkan", "MoltenVK.framework/MoltenVK", "/usr/local/lib/libvulkan.dylib"};
#else
static const char *const names[] = {"libvulkan.so.1", "libvulkan.so"}; /* Android has the second */
#endif
#endif

/* The library stays open: drivers do not bear it to be unloaded, and opened again it is the same one. */
static PFN_vkGetInstanceProcAddr open_library(const char *name) {
#ifdef _WIN32
    HMODULE library = LoadLibraryA(name);
    return library
               ? (PFN_vkGetInstanceProcAddr)(void (*)(void))GetProcAddress(library, "vkGetInstanceProcAddr")
               : NULL;
#else
    void *library = dlopen(name, RTLD_NOW | RTLD_LOCAL);
    /* POSIX gives functions as void *, which C does not convert. */
    union {
        void *data;
        PFN_vkGetInstanceProcAddr function;
    } found = {library ? dlsym(library, "vkGetInstanceProcAddr") : NULL};
    return found.function;
#endif
}

PFN_vkGetInstanceProcAddr vt_ctx_loader(uint32_t *out_version) {
    PFN_vkGetInstanceProcAddr get = NULL;
    for (size_t n = 0; n < sizeof names / sizeof names[0] && !get; ++n)
        get = open_library(names[n]);
    if (!get)
        return NULL;
    PFN_vkEnumerateInstanceVersion version =
        (PFN_vkEnumerateInstanceVersion)get(NULL, "vkEnumerateInstanceVersion");
    if (!version || version(out_version) != VK_SUCCESS)
        *out_version = VK_API_VERSION_1_0; /* loaders of 1.0 have no such function */
    return get;
}

#ifdef __ANDROID__
bool vt_ctx_describe_hardware(const AHardwareBuffer *buffer, AHardwareBuffer_Desc *out_desc) {
    void *library = dlopen("libandroid.so", RTLD_NOW | RTLD_LOCAL); /* of the system: never unloaded */
    union {
        void *data;
        void (*function)(const AHardwareBuffer *buffer, AHardwareBuffer_Desc *out_desc);
    } describe = {library ? dlsym(library, "AHardwareBuffer_describe") : NULL};
    if (!describe.function)
        return false;
    describe.function(buffer, out_desc);
    return true;
}
#endif
