/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A pager: whoever names it (Thread.set_pager) sees an unpacked archive at TABLE, which is packed here and unpacked a
 * block of 64 KiB at a time, when it is touched. There is memory for a few blocks; the one that came first makes room
 * for the next, and the kernel takes its pages from all who have them. The archive is what `lz4 -B4` writes: the frame
 * format of LZ4, in blocks that need no other block.
 */
#include <lz4.h>
#include <lz4frame.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <salto/page_item.h>
#include <salto/server.h>
#include <salto/startup.h>

#include "idl/factory.h"
#include "idl/fault_server.h"
#include "idl/memory.h"
#include "idl/task.h"
#include "packed_table.h"
#include "table.h"

#define BLOCK_LOG2 16 /* the largest that an answer to a fault can map at once */
#define BLOCK_SIZE (1U << BLOCK_LOG2)
#define BLOCK_PAGES (BLOCK_SIZE >> 12)
#define BLOCKS (LINES * LINE_SIZE / BLOCK_SIZE)
#define SLOTS 4
#define SLOT_MEMORY 0x200000000000UL /* address of the unpacked blocks here */
#define STORED (1U << 31)            /* in a block's size: it is not packed */

static const uint8_t *blocks[BLOCKS];      /* the packed ones, behind their sizes */
static uint32_t holds[SLOTS], next_victim; /* what is in a slot: number of the block + 1 */
static uint32_t slot_to_map;

static uint32_t size_of(const uint8_t *block)
{
    uint32_t size;
    memcpy(&size, block - sizeof(size), sizeof(size));
    return size;
}

/* Finds where the blocks begin. */
static void index_archive(void)
{
    const uint8_t *at = archive + LZ4F_headerSize(archive, sizeof(archive));
    for (uint32_t i = 0; i < BLOCKS; i++) {
        blocks[i] = at + sizeof(uint32_t);
        at = blocks[i] + (size_of(blocks[i]) & ~STORED);
        if (at > archive + sizeof(archive))
            exit(1);
    }
}

static char *slot_bytes(uint32_t slot)
{
    return (char *)SLOT_MEMORY + (uint64_t)slot * BLOCK_SIZE;
}

/* Unpacks a block into the slot whose turn it is. Nobody sees what was there any more, before it changes. */
static bool bring(uint32_t block)
{
    uint32_t slot = next_victim, size = size_of(blocks[block]);
    kernel_page_use_t used;
    next_victim = (next_victim + 1) % SLOTS;
    holds[slot] = 0;
    if (kernel_task_revoke_pages((kernel_task_t){salto_own_task}, (uint64_t)slot_bytes(slot), BLOCK_PAGES,
                                 KERNEL_RIGHTS_READ | KERNEL_RIGHTS_WRITE | KERNEL_RIGHTS_EXECUTE, &used) != 0)
        return false;
    if (size & STORED)
        memcpy(slot_bytes(slot), blocks[block], BLOCK_SIZE);
    else if (LZ4_decompress_safe((const char *)blocks[block], slot_bytes(slot), (int)size, BLOCK_SIZE) != BLOCK_SIZE)
        return false;
    holds[slot] = block + 1;
    slot_to_map = slot;
    return true;
}

/* Only reading helps the reader: who writes, or executes, is stopped, and whoever started it is told. */
static int on_page_fault(void *server, const struct idl_call *call, uint32_t number, uint32_t access, uint64_t address,
                         uint64_t instruction)
{
    uint64_t block = (address - TABLE) / BLOCK_SIZE;
    (void)server, (void)call, (void)number, (void)instruction;
    if (address < TABLE || block >= BLOCKS || (access & (2 | 16)))
        return -ERROR_BAD_ADDRESS;
    for (slot_to_map = 0; slot_to_map < SLOTS; slot_to_map++)
        if (holds[slot_to_map] == block + 1)
            return 0;
    return bring((uint32_t)block) ? 0 : -ERROR_BAD_ADDRESS;
}

KERNEL_PAGER_SERVER(dispatch, on)

/* To an answer that says yes belongs the block, as a page item. */
static struct idl_answer serve(uint64_t badge, uint64_t word0, uint64_t word1, uint64_t tag, uint64_t word2,
                               uint64_t word3, struct idl_frame *frame)
{
    struct idl_answer answer = dispatch(badge, word0, word1, tag, word2, word3, frame);
    if (answer.tag != KERNEL_PAGER_PAGE_FAULT_REPLY)
        return answer;
    ipc_page(0, ITEM_MAP, slot_bytes(slot_to_map), BLOCK_LOG2, RIGHT_READ);
    return (struct idl_answer){message_tag(MESSAGE_REPLY_AND_WAIT, 0, 1), 0};
}

int main(void)
{
    kernel_memory_t memory = {0};
    if (kernel_factory_create_memory((kernel_factory_t){salto_require("factory")}, SLOTS * BLOCK_PAGES, &memory) != 0 ||
        kernel_memory_map(memory, (kernel_task_t){salto_own_task}, SLOT_MEMORY, 0, SLOTS * BLOCK_PAGES,
                          KERNEL_RIGHTS_WRITE) != 0)
        return 1;
    index_archive();
    printf("pager: %u blocks, packed in %zu bytes, and memory for %d\n", BLOCKS, sizeof(archive), SLOTS);
    return salto_serve(salto_require("pages"), serve, NULL) == 0 ? 0 : 1;
}
