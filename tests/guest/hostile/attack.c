/* SPDX-License-Identifier: BSD-2-Clause */
/* One attack for each name. An attack that is answered with an error ends with status 0, one that succeeds with 1. */
#include <salto/startup.h>
#include <string.h>

#include "idl/factory.h"
#include "idl/task.h"
#include "idl/thread.h"

static kernel_task_t task;
static kernel_factory_t factory;

/* A Linux call with a stack pointer that points nowhere: the handler faults, not the kernel. */
static int attack_stack(void)
{
    __asm__ volatile("xorl %%esp, %%esp\n\tmovl $39, %%eax\n\tsyscall" : : : "rax", "rcx", "r11", "memory");
    return 1;
}

/* Runs what only the kernel may run. */
static int attack_trampoline(void)
{
    ((void (*)(void))TRAMPOLINE_TEXT)();
    return 1;
}

/* Throws away the capability with which the program would end, and ends. */
static int attack_self(void)
{
    return kernel_task_delete(task, task.handle) == 0 ? 0 : 1;
}

/* Wants to be supervised by itself. */
static int attack_supervisor(void)
{
    kernel_endpoint_t endpoint = {0};
    if (kernel_factory_create_endpoint(factory, &endpoint) != 0)
        return 1;
    return kernel_task_set_supervisor(task, endpoint) == -ERROR_BUSY ? 0 : 1;
}

/* Ends its thread, and not the task: nobody is told. */
static int attack_end(void)
{
    int result = kernel_thread_end((kernel_thread_t){salto_require("thread")});
    (void)result;
    return 1;
}

static int attack_table(void)
{
    ((struct startup_table *)STARTUP_TABLE)->grants_count = 0;
    return 1;
}

static int attack_handler(void)
{
    *(volatile uint8_t *)LINUX_HANDLER_ENTRY = 0;
    return 1;
}

/* Takes all that its quota has, in two ways. It still ends properly. */
static int attack_exhaust(void)
{
    kernel_memory_t memory = {0};
    kernel_endpoint_t endpoint = {0};
    int result;
    do
        result = kernel_factory_create_memory(factory, 16, &memory);
    while (result == 0);
    if (result != -ERROR_NO_MEMORY)
        return 1;
    do
        result = kernel_factory_create_endpoint(factory, &endpoint);
    while (result == 0);
    return result == -ERROR_NO_MEMORY || result == -ERROR_NO_SLOT ? 0 : 1;
}

static int recurse(volatile int *depth)
{
    volatile int more = *depth + 1;
    return more == 0 ? 0 : recurse(&more) + more;
}

static int attack_recursion(void)
{
    volatile int depth = 1;
    return recurse(&depth);
}

static const struct {
    const char *name;
    int (*attack)(void);
} attacks[] = {
    {"stack", attack_stack},
    {"trampoline", attack_trampoline},
    {"self", attack_self},
    {"supervisor", attack_supervisor},
    {"end", attack_end},
    {"table", attack_table},
    {"handler", attack_handler},
    {"exhaust", attack_exhaust},
    {"recursion", attack_recursion},
};

int main(int count, char **arguments)
{
    task = (kernel_task_t){salto_require("task")};
    factory = (kernel_factory_t){salto_require("factory")};
    for (unsigned i = 0; count == 2 && i < sizeof(attacks) / sizeof(attacks[0]); i++) {
        if (strcmp(arguments[1], attacks[i].name) == 0)
            return attacks[i].attack();
    }
    return 2;
}
