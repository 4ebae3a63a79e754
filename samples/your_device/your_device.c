/* SPDX-License-Identifier: MIT
 *
 * An application that owns its Vulkan: it makes the instance, the device, the buffer and the command buffer,
 * and vatten appends to them. Two layers of attention in one command buffer, with every barrier spelled out.
 * See README.md.
 */
#define VOLK_IMPLEMENTATION
#include <volk.h>

#include <vatten/vatten.h>

#include <stdio.h>
#include <stdlib.h>

enum { TOKENS = 64, HEADS = 4, DIM = 32, COUNT = TOKENS * HEADS * DIM };
enum { Q, K, V, MIDDLE, OUT, RANGES }; /* the ranges of the one buffer */

typedef struct app {
    VkInstance instance;
    VkPhysicalDevice gpu;
    uint32_t queue_family;
    vatten_features features;
    VkDevice device;
    VkQueue queue;
    VkCommandPool pool;
    VkCommandBuffer commands;
    VkBuffer buffer;
    VkDeviceMemory memory;
    VkDeviceSize range_bytes; /* from one range to the next */
    vatten_device *vatten;
    vatten_plan *plan;
    vatten_recorder *recorder;
} app;

static void say(void *user, vatten_log_level level, const char *message) {
    (void)user;
    (void)level;
    fprintf(stderr, "vatten: %s\n", message);
}

static void need(bool fine, const char *what) {
    if (fine)
        return;
    fprintf(stderr, "failed: %s\n", what);
    exit(1);
}

/* ---- Your own Vulkan: nothing here is special to vatten but the features ---- */

static void make_instance(app *a) {
    need(volkInitialize() == VK_SUCCESS, "no Vulkan loader");
    VkApplicationInfo application = {.sType = VK_STRUCTURE_TYPE_APPLICATION_INFO,
                                     .apiVersion = VK_API_VERSION_1_3}; /* vatten needs 1.1 */
    VkInstanceCreateInfo info = {.sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO,
                                 .pApplicationInfo = &application};
    need(vkCreateInstance(&info, NULL, &a->instance) == VK_SUCCESS, "vkCreateInstance");
    volkLoadInstance(a->instance);
}

/* The first device, and its first queue family with compute. A renderer has its own ideas about this. */
static void choose_gpu(app *a) {
    uint32_t count = 1;
    VkResult result = vkEnumeratePhysicalDevices(a->instance, &count, &a->gpu);
    need((result == VK_SUCCESS || result == VK_INCOMPLETE) && count == 1, "no Vulkan device");
    VkQueueFamilyProperties families[16];
    uint32_t family_count = 16;
    vkGetPhysicalDeviceQueueFamilyProperties(a->gpu, &family_count, families);
    while (a->queue_family < family_count && !(families[a->queue_family].queueFlags & VK_QUEUE_COMPUTE_BIT))
        a->queue_family++;
    need(a->queue_family < family_count, "no queue with compute");
}

/* What this program knows how to enable. */
static const vatten_features features_enabled =
    VATTEN_FEATURE_STORAGE_16BIT | VATTEN_FEATURE_PUSH_DESCRIPTOR | VATTEN_FEATURE_SUBGROUP_SIZE_CONTROL;

/* vatten says what is worth enabling; the application enables it, or less, and tells vatten what it did. */
static void make_device(app *a) {
    VkPhysicalDeviceProperties gpu;
    vkGetPhysicalDeviceProperties(a->gpu, &gpu);
    a->features = vatten_features_supported(vkGetInstanceProcAddr, a->instance, a->gpu) & features_enabled;

    const char *extensions[2];
    uint32_t extension_count = 0;
    if (a->features & VATTEN_FEATURE_PUSH_DESCRIPTOR)
        extensions[extension_count++] = VK_KHR_PUSH_DESCRIPTOR_EXTENSION_NAME;
    VkPhysicalDevice16BitStorageFeatures storage = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_16BIT_STORAGE_FEATURES,
        .storageBuffer16BitAccess = (a->features & VATTEN_FEATURE_STORAGE_16BIT) != 0};
    VkPhysicalDeviceSubgroupSizeControlFeatures subgroup = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_SIZE_CONTROL_FEATURES,
        .subgroupSizeControl = VK_TRUE,
        .computeFullSubgroups = VK_TRUE};
    if (a->features & VATTEN_FEATURE_SUBGROUP_SIZE_CONTROL) {
        storage.pNext = &subgroup;
        if (gpu.apiVersion < VK_API_VERSION_1_3) /* part of Vulkan since 1.3 */
            extensions[extension_count++] = VK_EXT_SUBGROUP_SIZE_CONTROL_EXTENSION_NAME;
    }

    float priority = 1.0f;
    VkDeviceQueueCreateInfo queue = {.sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO,
                                     .queueFamilyIndex = a->queue_family,
                                     .queueCount = 1,
                                     .pQueuePriorities = &priority};
    VkDeviceCreateInfo info = {.sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO,
                               .pNext = &storage,
                               .queueCreateInfoCount = 1,
                               .pQueueCreateInfos = &queue,
                               .enabledExtensionCount = extension_count,
                               .ppEnabledExtensionNames = extensions};
    need(vkCreateDevice(a->gpu, &info, NULL, &a->device) == VK_SUCCESS, "vkCreateDevice");
    volkLoadDevice(a->device);
    vkGetDeviceQueue(a->device, a->queue_family, 0, &a->queue);
    printf("on %s\n", gpu.deviceName);
}

static void make_command_buffer(app *a) {
    VkCommandPoolCreateInfo pool = {.sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO,
                                    .queueFamilyIndex = a->queue_family};
    need(vkCreateCommandPool(a->device, &pool, NULL, &a->pool) == VK_SUCCESS, "vkCreateCommandPool");
    VkCommandBufferAllocateInfo info = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
                                        .commandPool = a->pool,
                                        .level = VK_COMMAND_BUFFER_LEVEL_PRIMARY,
                                        .commandBufferCount = 1};
    need(vkAllocateCommandBuffers(a->device, &info, &a->commands) == VK_SUCCESS, "vkAllocateCommandBuffers");
}

static uint32_t mappable_type(const app *a, uint32_t allowed) {
    const VkMemoryPropertyFlags wanted =
        VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT;
    VkPhysicalDeviceMemoryProperties memory;
    vkGetPhysicalDeviceMemoryProperties(a->gpu, &memory);
    uint32_t type = 0;
    while (type < memory.memoryTypeCount &&
           (!(allowed & (1u << type)) || (memory.memoryTypes[type].propertyFlags & wanted) != wanted))
        type++;
    need(type < memory.memoryTypeCount, "no mappable memory");
    return type;
}

/* One buffer for all five tensors. Mappable, to read the result in a simple way; real data belongs in
 * device-local memory. */
static void make_buffer(app *a) {
    VkBufferCreateInfo info = {.sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
                               .size = RANGES * a->range_bytes,
                               .usage =
                                   VK_BUFFER_USAGE_STORAGE_BUFFER_BIT | VK_BUFFER_USAGE_TRANSFER_DST_BIT};
    need(vkCreateBuffer(a->device, &info, NULL, &a->buffer) == VK_SUCCESS, "vkCreateBuffer");
    VkMemoryRequirements needs;
    vkGetBufferMemoryRequirements(a->device, a->buffer, &needs);
    VkMemoryAllocateInfo memory = {.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO,
                                   .allocationSize = needs.size,
                                   .memoryTypeIndex = mappable_type(a, needs.memoryTypeBits)};
    need(vkAllocateMemory(a->device, &memory, NULL, &a->memory) == VK_SUCCESS, "vkAllocateMemory");
    need(vkBindBufferMemory(a->device, a->buffer, a->memory, 0) == VK_SUCCESS, "vkBindBufferMemory");
}

/* ---- vatten: device -> plan -> recorder ---- */

static void make_vatten(app *a) {
    vatten_device_desc device = {.get_instance_proc_addr = vkGetInstanceProcAddr,
                                 .instance = a->instance,
                                 .physical_device = a->gpu,
                                 .device = a->device,
                                 .features = a->features,
                                 .logger = {.write = say}};
    need(vatten_device_create(&device, &a->vatten) == VATTEN_SUCCESS, "vatten_device_create");

    vatten_attention_desc attention = {
        .heads = {.dtype = VATTEN_DTYPE_F32, .batch = 1, .heads = HEADS, .kv_heads = HEADS, .dim = DIM},
        .q_len = TOKENS,
        .kv_len = TOKENS,
        .causal = true};
    need(vatten_attention_create(a->vatten, &attention, &a->plan) == VATTEN_SUCCESS,
         "vatten_attention_create");

    /* The plan knows what it needs before a byte of memory is given: q, k, v and out are of one size here. */
    vatten_plan_info info;
    vatten_plan_get_info(a->plan, &info);
    a->range_bytes =
        (info.out_bytes + info.offset_alignment - 1) / info.offset_alignment * info.offset_alignment;

    vatten_recorder_desc recorder = {.max_dispatches = 2 * info.dispatches,
                                     .workspace_bytes = info.workspace_bytes};
    need(vatten_recorder_create(a->vatten, &recorder, &a->recorder) == VATTEN_SUCCESS,
         "vatten_recorder_create");
}

/* ---- One command buffer ---- */

static void barrier(const app *a, VkPipelineStageFlags from, VkAccessFlags wrote, VkPipelineStageFlags to,
                    VkAccessFlags uses) {
    VkMemoryBarrier memory = {
        .sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER, .srcAccessMask = wrote, .dstAccessMask = uses};
    vkCmdPipelineBarrier(a->commands, from, to, 0, 1, &memory, 0, NULL, 0, NULL);
}

static vatten_buffer range(const app *a, int index) {
    return (vatten_buffer){
        .buffer = a->buffer, .offset = (uint64_t)index * a->range_bytes, .size = a->range_bytes};
}

/* Any numbers will do; these are the same on every machine. */
static void upload(const app *a, int index) {
    static float data[COUNT];
    uint32_t state = 1u + (uint32_t)index;
    for (int i = 0; i < COUNT; i++) {
        state = state * 1664525u + 1013904223u;
        data[i] = (float)(state >> 16) / 32768.0f - 1.0f;
    }
    vkCmdUpdateBuffer(a->commands, a->buffer, (VkDeviceSize)index * a->range_bytes, sizeof data, data);
}

/* Layer 1 attends from q to k and v. Layer 2 attends from layer 1's output to the same k and v. */
static void record(const app *a) {
    vatten_args first = {.q = range(a, Q), .k = range(a, K), .v = range(a, V), .out = range(a, MIDDLE)};
    vatten_args second = {.q = range(a, MIDDLE), .k = range(a, K), .v = range(a, V), .out = range(a, OUT)};
    VkCommandBufferBeginInfo begin = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO,
                                      .flags = VK_COMMAND_BUFFER_USAGE_ONE_TIME_SUBMIT_BIT};
    need(vkBeginCommandBuffer(a->commands, &begin) == VK_SUCCESS, "vkBeginCommandBuffer");
    upload(a, Q);
    upload(a, K);
    upload(a, V);
    /* before: the uploads wrote q, k and v, which attention reads */
    barrier(a, VK_PIPELINE_STAGE_TRANSFER_BIT, VK_ACCESS_TRANSFER_WRITE_BIT,
            VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT, VK_ACCESS_SHADER_READ_BIT);
    need(vatten_record(a->recorder, a->commands, a->plan, &first) == VATTEN_SUCCESS, "vatten_record 1");
    /* between: layer 1 wrote what layer 2 reads */
    barrier(a, VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT, VK_ACCESS_SHADER_WRITE_BIT,
            VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT, VK_ACCESS_SHADER_READ_BIT);
    need(vatten_record(a->recorder, a->commands, a->plan, &second) == VATTEN_SUCCESS, "vatten_record 2");
    /* after: layer 2 wrote what the CPU reads */
    barrier(a, VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT, VK_ACCESS_SHADER_WRITE_BIT, VK_PIPELINE_STAGE_HOST_BIT,
            VK_ACCESS_HOST_READ_BIT);
    need(vkEndCommandBuffer(a->commands) == VK_SUCCESS, "vkEndCommandBuffer");
}

static void submit_and_wait(const app *a) {
    VkSubmitInfo submit = {
        .sType = VK_STRUCTURE_TYPE_SUBMIT_INFO, .commandBufferCount = 1, .pCommandBuffers = &a->commands};
    need(vkQueueSubmit(a->queue, 1, &submit, VK_NULL_HANDLE) == VK_SUCCESS, "vkQueueSubmit");
    need(vkQueueWaitIdle(a->queue) == VK_SUCCESS, "vkQueueWaitIdle");
}

static void print(const app *a) {
    void *mapped = NULL;
    need(vkMapMemory(a->device, a->memory, OUT * a->range_bytes, a->range_bytes, 0, &mapped) == VK_SUCCESS,
         "vkMapMemory");
    const float(*out)[HEADS][DIM] = mapped;
    for (int token = 0; token < TOKENS; token += 21)
        printf("token %2d, head 0: %+.4f %+.4f %+.4f ...\n", token, (double)out[token][0][0],
               (double)out[token][0][1], (double)out[token][0][2]);
}

/* vatten's objects go before the VkDevice that they were made from. */
static void destroy(app *a) {
    vatten_recorder_destroy(a->recorder);
    vatten_plan_destroy(a->plan);
    vatten_device_destroy(a->vatten);
    vkDestroyBuffer(a->device, a->buffer, NULL);
    vkFreeMemory(a->device, a->memory, NULL);
    vkDestroyCommandPool(a->device, a->pool, NULL);
    vkDestroyDevice(a->device, NULL);
    vkDestroyInstance(a->instance, NULL);
}

int main(void) {
    app a = {0};
    make_instance(&a);
    choose_gpu(&a);
    make_device(&a);
    make_vatten(&a);
    make_buffer(&a);
    make_command_buffer(&a);
    record(&a);
    submit_and_wait(&a);
    print(&a);
    destroy(&a);
    return 0;
}
