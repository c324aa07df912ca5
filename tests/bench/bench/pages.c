/* SPDX-License-Identifier: BSD-2-Clause */
/* Rounds that map pages into another task by a call, and take them back. */
#include <salto/page_item.h>
#include <salto/startup.h>

#include "idl/task.h"
#include "markers.h"
#include "rounds.h"

static inline uint32_t stamp(void)
{
    uint32_t low;
    __asm__ volatile("rdtsc" : "=a"(low) : : "rdx", "memory");
    return low;
}

/* `handle` is the endpoint's; item 0 says what is mapped, in one flexpage of `pages` pages. */
#define DEFINE_ROUNDS(name, marker, rounds, pages)                                             \
    void name(uint64_t handle, uint32_t samples[ROUNDS])                                       \
    {                                                                                          \
        kernel_task_t own_task = {salto_require("task")};                                      \
        uint64_t address = ipc_utcb()->item_addresses[0];                                      \
        for (uint32_t round = 0; round < (rounds); round++) {                                  \
            uint64_t words[MESSAGE_REGISTER_WORDS] = {0};                                      \
            kernel_page_use_t used;                                                            \
            MARKER_BEGIN(marker);                                                              \
            uint32_t begin = stamp();                                                          \
            uint64_t tag = ipc_call(message_tag(MESSAGE_CALL, 0, 1), handle, words);           \
            int error = kernel_task_revoke_pages(own_task, address, pages, RIGHT_READ, &used); \
            uint32_t end = stamp();                                                            \
            MARKER_END(marker);                                                                \
            samples[round] = error || !message_is_tag(tag) ? UINT32_MAX : end - begin;         \
        }                                                                                      \
    }

DEFINE_ROUNDS(rounds_page_4k, MARKER_PAGE_4K, ROUNDS, 1)
DEFINE_ROUNDS(rounds_page_4m, MARKER_PAGE_4M, ROUNDS, 2 * LARGE_PAGE_PAGES)
DEFINE_ROUNDS(rounds_page_1g, MARKER_PAGE_1G, LONG_ROUNDS, 512 * LARGE_PAGE_PAGES)
