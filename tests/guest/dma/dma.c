/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From end to end: a PCI device that reads and writes memory by physical addresses (QEMU, docs/specs/edu) is driven by
 * its registers, which are mapped as the manifest gives them, and works on contiguous memory of the memory server, at
 * the address that the server tells. A thread in another address space, which has that memory attached, sees what the
 * device wrote, and the device what that thread wrote.
 */
#include <salto/startup.h>

#include "../common/taker.h"
#include "../common/waiting.h"
#include "../memory_server/scene.h"

/* PCI Local Bus Specification 3.0, 3.2.2.3.2 (configuration mechanism) and 6.1 (header). */
#define CONFIGURATION_ADDRESS 0xcf8
#define CONFIGURATION_DATA 0xcfc
#define CONFIGURATION_ENABLE 0x80000000U
#define DEVICE_SHIFT 11
#define DEVICES 32
#define HEADER_IDENTITY 0x00
#define HEADER_COMMAND 0x04
#define HEADER_BASE_0 0x10
#define COMMAND_MEMORY 2U
#define COMMAND_MASTER 4U

/* The device. */
#define EDU_IDENTITY 0x11e81234U
#define EDU_BASE 0xe0000000U /* where the manifest has its registers */
#define EDU_PAGES 256
#define EDU_REACH 0x10000000UL /* it has 28 address lines */
#define EDU_VERSION 0x00
#define EDU_LIVENESS 0x04 /* what is written there is read inverted */
#define EDU_SOURCE 0x80
#define EDU_TARGET 0x88
#define EDU_COUNT 0x90
#define EDU_TRANSFER 0x98
#define EDU_START 1UL
#define EDU_TO_MEMORY 2UL
#define EDU_BUFFER 0x40000UL /* 4 KiB of its own, as it sees them */

#define PAGES_USED 16
#define LOOKS 1000
#define READS 1024 /* bytes of a transfer */

#define REGISTERS HERE

static uint32_t in_long(uint16_t port)
{
    uint32_t value;
    __asm__ volatile("inl %1, %0" : "=a"(value) : "d"(port));
    return value;
}

static void out_long(uint16_t port, uint32_t value)
{
    __asm__ volatile("outl %0, %1" : : "a"(value), "d"(port));
}

static uint32_t read_configuration(uint32_t device, uint32_t offset)
{
    out_long(CONFIGURATION_ADDRESS, CONFIGURATION_ENABLE | device << DEVICE_SHIFT | offset);
    return in_long(CONFIGURATION_DATA);
}

static void write_configuration(uint32_t device, uint32_t offset, uint32_t value)
{
    out_long(CONFIGURATION_ADDRESS, CONFIGURATION_ENABLE | device << DEVICE_SHIFT | offset);
    out_long(CONFIGURATION_DATA, value);
}

/* The device's number on bus 0; DEVICES if it is not there. */
static uint32_t find_device(void)
{
    uint32_t device = 0;
    while (device < DEVICES && read_configuration(device, HEADER_IDENTITY) != EDU_IDENTITY)
        device++;
    return device;
}

static volatile uint32_t *small_register(uint64_t offset)
{
    return (volatile uint32_t *)(REGISTERS + offset);
}

static volatile uint64_t *large_register(uint64_t offset)
{
    return (volatile uint64_t *)(REGISTERS + offset);
}

/* Maps the registers, where they are put first; `commands` is what the device may do. */
static kernel_memory_t map_registers(uint32_t commands)
{
    kernel_memory_t registers = {salto_require("registers")};
    uint32_t device = find_device();
    EXPECT(device < DEVICES);
    write_configuration(device, HEADER_COMMAND, 0);
    write_configuration(device, HEADER_BASE_0, EDU_BASE);
    write_configuration(device, HEADER_COMMAND, commands);
    EXPECT_EQUAL(kernel_memory_map(registers, own_task, REGISTERS, 0, EDU_PAGES, RW), 0);
    return registers;
}

static void unmap_registers(kernel_memory_t registers)
{
    EXPECT_EQUAL(kernel_memory_unmap(registers, own_task, REGISTERS, EDU_PAGES), 0);
}

/* Has the device copy READS bytes, from its buffer to memory or the other way round. It takes 100 ms. */
static void transfer(uint64_t source, uint64_t target, uint64_t command)
{
    *large_register(EDU_SOURCE) = source;
    *large_register(EDU_TARGET) = target;
    *large_register(EDU_COUNT) = READS;
    *large_register(EDU_TRANSFER) = EDU_START | command;
    for (unsigned i = 0; i < LOOKS && (*large_register(EDU_TRANSFER) & EDU_START); i++)
        sleep_for(MILLISECOND);
    EXPECT(!(*large_register(EDU_TRANSFER) & EDU_START));
}

static void registers(void)
{
    kernel_memory_t memory = map_registers(COMMAND_MEMORY);
    EXPECT_EQUAL(*small_register(EDU_VERSION) & 0xff, 0xed);
    for (uint32_t value = 1; value != 0; value <<= 1) {
        *small_register(EDU_LIVENESS) = value;
        EXPECT_EQUAL(*small_register(EDU_LIVENESS), ~value);
    }
    unmap_registers(memory);
}

/* What a thread wrote to one page comes by way of the device to another one. */
static void there_and_back(void)
{
    struct scene scene;
    memory_object_t object = {0};
    uint64_t address = 0;
    scene_create(&scene, 100);
    kernel_memory_t memory = map_registers(COMMAND_MEMORY | COMMAND_MASTER);
    EXPECT_EQUAL(memory_space_create_contiguous((memory_space_t){salto_require("locator")}, PAGES_USED, PAGE_SIZE,
                                                EDU_REACH, &object, &address),
                 0);
    EXPECT_EQUAL(scene_attach(&scene, object, PAGES_USED, RW), 0);
    for (uint64_t at = 0; at < READS; at += sizeof(at))
        scene_write(&scene, PLACE + 2 * PAGE_SIZE + at, VALUE ^ at);
    transfer(address + 2 * PAGE_SIZE, EDU_BUFFER, 0);
    transfer(EDU_BUFFER, address + 15 * PAGE_SIZE + READS, EDU_TO_MEMORY);
    for (uint64_t at = 0; at < READS; at += sizeof(at))
        EXPECT_EQUAL(scene_read(&scene, PLACE + 15 * PAGE_SIZE + READS + at), VALUE ^ at);
    EXPECT_EQUAL(scene_read(&scene, PLACE + 15 * PAGE_SIZE + READS - sizeof(uint64_t)), 0);
    EXPECT_EQUAL(scene_read(&scene, PLACE + 15 * PAGE_SIZE + 2 * READS), 0);
    EXPECT_EQUAL(memory_object_destroy(object), 0);
    guest_delete(object.handle);
    unmap_registers(memory);
    scene_destroy(&scene);
}

static const struct guest_test tests[] = {
    {"a PCI device's registers are where the manifest has them", registers},
    {"the device reads and writes contiguous memory", there_and_back},
};

int main(void)
{
    memory_object_t object = {0};
    uint64_t address;
    bank = (memory_space_t){salto_require("memory")};
    if (memory_space_create_contiguous((memory_space_t){salto_require("locator")}, 1, PAGE_SIZE, EDU_REACH, &object,
                                       &address) != 0 ||
        memory_object_destroy(object) != 0) /* a page of the client's books is there to stay */
        return 1;
    guest_delete(object.handle);
    return guest_run(tests, COUNT(tests));
}
