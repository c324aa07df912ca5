/* SPDX-License-Identifier: BSD-2-Clause */
/* A machine for parts of the kernel that run in a host test. See host_machine.h. */
#define _GNU_SOURCE
#include "kernel_parts/host_machine.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "debug/panic.h"
#include "mem/space.h"
#include "x86/cpu.h"

uint64_t host_gs_base, host_flushes;
void (*host_invalidate)(uint64_t type, uint64_t pcid, uint64_t address);

static int memory_file;
static jmp_buf caught;
static bool catching;
static char panic_text[256];

static void map(uint64_t address, uint64_t size, uint64_t physical)
{
    void *wanted = (void *)address;
    int flags = MAP_SHARED | MAP_FIXED | MAP_NORESERVE;
    if (mmap(wanted, size, PROT_READ | PROT_WRITE, flags, memory_file, (off_t)physical) == wanted)
        return;
    printf("Bail out! cannot map memory at %#lx\n", address);
    exit(1);
}

void host_machine_start(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    memory_file = memfd_create("physical memory", 0);
    if (memory_file < 0 || ftruncate(memory_file, HOST_MEMORY_END) != 0) {
        printf("Bail out! no memory for the machine\n");
        exit(1);
    }
    map(PHYSICAL_MAP, HOST_MEMORY_END, 0);
}

bool space_map_shared(uint64_t address, uint64_t frame, uint64_t flags)
{
    (void)flags;
    map(address, PAGE_SIZE, frame);
    return true;
}

bool host_panics(void (*body)(void))
{
    bool panicked = setjmp(caught) != 0;
    if (!panicked) {
        catching = true;
        body();
    }
    catching = false;
    return panicked;
}

const char *host_panic_text(void)
{
    return panic_text;
}

void panic(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(panic_text, sizeof(panic_text), format, arguments);
    va_end(arguments);
    if (catching)
        longjmp(caught, 1);
    printf("Bail out! the kernel panicked: %s\n", panic_text);
    exit(1);
}
