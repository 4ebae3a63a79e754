/* SPDX-License-Identifier: MIT
 *
 * The fake Vulkan itself: what other tests rest on when they say that nothing leaked and nothing was broken.
 */
#define VK_NO_PROTOTYPES
#include "fault_rounds.h"

#include "vk.h"

#include <pthread.h>

static const vt_caps *caps;
static fake_things things;
static vt_vk_device vk;

static int start(void **state) {
    static vt_caps desktop;
    vt_vk_instance instance;
    (void)state;
    desktop = unit_caps_desktop();
    caps = &desktop;
    fake_start(caps);
    things = fake_make();
    assert_int_equal(vt_vk_load_instance(fake_get_instance_proc_addr, things.instance, NULL, &instance),
                     VATTEN_SUCCESS);
    assert_int_equal(vt_vk_load_device(&instance, things.device, 0, NULL, &vk), VATTEN_SUCCESS);
    return 0;
}

static void assert_complaint(const char *text) {
    assert_non_null(fake_complaint());
    assert_string_equal(fake_complaint(), text);
    start(NULL);
    assert_null(fake_complaint());
}

static VkResult create_buffer(VkBuffer *out) {
    const VkBufferCreateInfo info = {.sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO, .size = 1000};
    return vk.CreateBuffer(things.device, &info, NULL, out);
}

static void objects_live_until_they_are_destroyed(void **state) {
    VkBuffer buffers[2];
    (void)state;
    assert_int_equal(fake_alive(), 0);
    assert_int_equal(create_buffer(&buffers[0]), VK_SUCCESS);
    assert_int_equal(create_buffer(&buffers[1]), VK_SUCCESS);
    assert_int_equal(fake_alive(), 2);
    vk.DestroyBuffer(things.device, buffers[0], NULL);
    vk.DestroyBuffer(things.device, VK_NULL_HANDLE, NULL);
    assert_int_equal(fake_alive(), 1);
    assert_null(fake_complaint());
    vk.DestroyBuffer(things.device, buffers[0], NULL);
    assert_complaint("vkDestroyBuffer: a handle of kind 9 is destroyed");
}

static void what_is_anothers_is_not_destroyed(void **state) {
    VkBuffer buffer;
    (void)state;
    assert_int_equal(create_buffer(&buffer), VK_SUCCESS);
    vk.DestroyBuffer(fake_make().device, buffer, NULL);
    assert_complaint("vkDestroyBuffer: an object of kind 9 is of another owner");
    assert_int_equal(create_buffer(&buffer), VK_SUCCESS);
    vk.FreeMemory(things.device, (VkDeviceMemory)(uintptr_t)buffer, NULL);
    assert_complaint("vkFreeMemory: a handle of kind 10 is none");
}

static void sets_go_with_their_pool(void **state) {
    const VkDescriptorSetLayoutCreateInfo layout_info = {0};
    const VkDescriptorPoolCreateInfo pool_info = {.maxSets = 1};
    VkDescriptorSetLayout layout;
    VkDescriptorPool pool;
    VkDescriptorSet set;
    (void)state;
    assert_int_equal(vk.CreateDescriptorSetLayout(things.device, &layout_info, NULL, &layout), VK_SUCCESS);
    assert_int_equal(vk.CreateDescriptorPool(things.device, &pool_info, NULL, &pool), VK_SUCCESS);
    const VkDescriptorSetAllocateInfo info = {
        .descriptorPool = pool, .descriptorSetCount = 1, .pSetLayouts = &layout};
    assert_int_equal(vk.AllocateDescriptorSets(things.device, &info, &set), VK_SUCCESS);
    assert_int_equal(fake_alive(), 3);
    assert_int_equal(vk.AllocateDescriptorSets(things.device, &info, &set), VK_ERROR_OUT_OF_POOL_MEMORY);
    vk.DestroyDescriptorPool(things.device, pool, NULL);
    vk.DestroyDescriptorSetLayout(things.device, layout, NULL);
    assert_int_equal(fake_alive(), 0);
    assert_complaint("vkAllocateDescriptorSets: the pool has not so many sets");
}

static void the_call_that_is_told_fails(void **state) {
    VkBuffer buffer;
    (void)state;
    fake_fail(2, 2, VK_ERROR_OUT_OF_DEVICE_MEMORY);
    assert_int_equal(create_buffer(&buffer), VK_SUCCESS);
    assert_int_equal(create_buffer(&buffer), VK_ERROR_OUT_OF_DEVICE_MEMORY);
    assert_int_equal(create_buffer(&buffer), VK_ERROR_OUT_OF_DEVICE_MEMORY);
    assert_int_equal(create_buffer(&buffer), VK_SUCCESS);
    assert_int_equal(fake_calls(), 4);
    assert_int_equal(fake_failed(), 2);
    assert_string_equal(fake_call_name(3), "vkCreateBuffer");
    assert_int_equal(fake_call_errors(3)[2], VK_ERROR_OUT_OF_HOST_MEMORY);
}

static void a_lost_device_stays_lost(void **state) {
    VkBuffer buffer;
    (void)state;
    assert_int_equal(create_buffer(&buffer), VK_SUCCESS);
    fake_fail(1, 1, VK_ERROR_DEVICE_LOST);
    for (int i = 0; i < 3; ++i)
        assert_int_equal(create_buffer(&buffer), VK_ERROR_DEVICE_LOST);
    fake_fail(0, 0, VK_SUCCESS);
    assert_int_equal(create_buffer(&buffer), VK_ERROR_DEVICE_LOST);
    vk.DestroyBuffer(things.device, buffer, NULL);
    assert_int_equal(fake_alive(), 0);
}

static void commands_are_kept(void **state) {
    const VkMemoryBarrier barrier = {.sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER};
    const fake_command *commands;
    (void)state;
    vk.CmdPipelineBarrier(things.commands, VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT,
                          VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT, 0, 1, &barrier, 0, NULL, 0, NULL);
    vk.CmdDispatch(things.commands, 3, 2, 1);
    assert_int_equal(fake_commands(&commands), 2);
    assert_int_equal(commands[0].op, FAKE_BARRIER);
    assert_int_equal(commands[1].op, FAKE_DISPATCH);
    assert_int_equal(commands[1].groups[0], 3);
    assert_ptr_equal(commands[1].into, things.commands);
    assert_complaint("vkCmdDispatch: no pipeline is bound");
}

#define THREADS 4
#define TURNS   500

static void *make_and_destroy(void *user) {
    (void)user;
    for (int i = 0; i < TURNS; ++i) {
        VkBuffer buffer;
        if (create_buffer(&buffer) == VK_SUCCESS)
            vk.DestroyBuffer(things.device, buffer, NULL);
    }
    return NULL;
}

static void threads_are_counted(void **state) {
    pthread_t threads[THREADS];
    (void)state;
    fake_fail(100, 10, VK_ERROR_UNKNOWN);
    for (int i = 0; i < THREADS; ++i)
        assert_int_equal(pthread_create(&threads[i], NULL, make_and_destroy, NULL), 0);
    for (int i = 0; i < THREADS; ++i)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(fake_calls(), THREADS * TURNS);
    assert_int_equal(fake_failed(), 10);
    assert_int_equal(fake_alive(), 0);
    assert_null(fake_complaint());
}

#define TEST(NAME) cmocka_unit_test_setup(NAME, start)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(objects_live_until_they_are_destroyed),
        TEST(what_is_anothers_is_not_destroyed),
        TEST(sets_go_with_their_pool),
        TEST(the_call_that_is_told_fails),
        TEST(a_lost_device_stays_lost),
        TEST(commands_are_kept),
        TEST(threads_are_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
