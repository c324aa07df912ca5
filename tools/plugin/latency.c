/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A QEMU TCG plugin that measures, from outside the guest, how long the kernel keeps interrupts off.
 *
 * A stretch with interrupts off is what the kernel executes between two points at which the processor would take one:
 * behind `sysretq` and `iretq`, at `hlt`, and behind the instruction that follows `sti` (Intel SDM volume 2). Programs
 * cannot turn interrupts off, so only instructions at kernel addresses count. Booting, up to the first return to a
 * program, does not count.
 *
 * Options: out=FILE; functions=FILE, lines "ADDRESS NAME" with hexadecimal addresses, which name the kernel's
 * functions; within=ID: only what ends between the markers of ID (tests/bench/markers.h) counts. Stretches that enter
 * the same functions (the first WAY_LENGTH different ones, in their order) are one row of the report, with the longest
 * of them:
 *
 *     INSTRUCTIONS STRETCHES FUNCTION>FUNCTION>...
 *
 * One CPU only. QEMU counts each iteration of a `rep` instruction, and so do we.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "qemu_plugin.h"

#define MAX_FUNCTIONS 4096
#define NAME_SIZE 48
#define WAY_LENGTH 10
#define WAYS 65536 /* a power of two; more than there will be */
#define MARKER_BEGIN 0x5a170000U
#define MARKER_END 0x5a270000U
#define KERNEL_HALF (UINT64_C(1) << 63)

struct function {
    uint64_t address;
    char name[NAME_SIZE];
};

/* Stretches that enter the same functions. */
struct way {
    uint16_t functions[WAY_LENGTH];
    unsigned length;
    uint64_t longest, count;
};

QEMU_PLUGIN_EXPORT int qemu_plugin_version = QEMU_PLUGIN_INTERFACE;

static struct function functions[MAX_FUNCTIONS];
static size_t functions_count;
static struct way ways[WAYS];
static struct way current; /* the stretch that is going on; `longest` is unused */
static uint64_t executed;  /* its instructions so far */
static bool booted;        /* a program has run */
static bool enabling;      /* `sti` was executed: the next instruction ends the stretch */
static uint64_t ways_lost;
static bool outside;    /* not between the markers */
static uint32_t within; /* the markers' ID; 0: there are none */
static char *output_path;

/* ---- Ways ------------------------------------------------------------------------------------------------------ */

static bool same_way(const struct way *left, const struct way *right)
{
    return left->length == right->length &&
           memcmp(left->functions, right->functions, left->length * sizeof(left->functions[0])) == 0;
}

static size_t hash_way(const struct way *way)
{
    uint32_t hash = 2166136261U;
    for (unsigned i = 0; i < way->length; i++)
        hash = (hash ^ way->functions[i]) * 16777619U;
    return hash % WAYS;
}

/* The row of the current stretch, made if there is none; NULL if the table is full. */
static struct way *find_way(void)
{
    size_t at = hash_way(&current);
    for (size_t probe = 0; probe < WAYS / 2; probe++, at = (at + 1) % WAYS) {
        if (ways[at].count != 0 && !same_way(&ways[at], &current))
            continue;
        if (ways[at].count == 0)
            ways[at] = current;
        return &ways[at];
    }
    return NULL;
}

static void end_stretch(void)
{
    bool counts = booted && executed > 0 && !outside;
    struct way *way = counts ? find_way() : NULL;
    if (way != NULL) {
        way->count++;
        if (executed > way->longest)
            way->longest = executed;
    } else if (counts) {
        ways_lost++;
    }
    current.length = 0;
    executed = 0;
    enabling = false;
}

/* ---- What is watched ------------------------------------------------------------------------------------------- */

static void function_entered(unsigned cpu, void *argument)
{
    uint16_t index = (uint16_t)((struct function *)argument - functions);
    (void)cpu;
    for (unsigned i = 0; i < current.length; i++)
        if (current.functions[i] == index)
            return;
    if (current.length < WAY_LENGTH)
        current.functions[current.length++] = index;
}

/* Behind this instruction, interrupts are taken. Its own count has not been added yet. */
static void returns(unsigned cpu, void *argument)
{
    (void)cpu, (void)argument;
    executed++;
    end_stretch();
    booted = true;
}

static void halts(unsigned cpu, void *argument)
{
    (void)cpu, (void)argument;
    executed++;
    end_stretch();
}

static void enables(unsigned cpu, void *argument)
{
    (void)cpu, (void)argument;
    executed++;
    enabling = true;
}

static void follows_enable(unsigned cpu, void *argument)
{
    (void)cpu, (void)argument;
    executed++;
    if (enabling)
        end_stretch();
}

static void passes_marker(unsigned cpu, void *argument)
{
    (void)cpu;
    outside = (uintptr_t)argument == MARKER_END;
}

/* A marker of the ID that is asked for: an eight-byte no-op. */
static void watch_marker(struct qemu_plugin_insn *instruction)
{
    const uint8_t *bytes = qemu_plugin_insn_data(instruction);
    uint32_t value;
    if (qemu_plugin_insn_size(instruction) != 8 || memcmp(bytes, "\x0f\x1f\x84\x00", 4) != 0)
        return;
    memcpy(&value, bytes + 4, sizeof(value));
    if (value == MARKER_BEGIN + within || value == MARKER_END + within)
        qemu_plugin_register_vcpu_insn_exec_cb(instruction, passes_marker, QEMU_PLUGIN_CB_NO_REGS,
                                               (void *)(uintptr_t)(value - within));
}

static const struct function *function_at(uint64_t address)
{
    for (size_t i = 0; i < functions_count; i++)
        if (functions[i].address == address)
            return &functions[i];
    return NULL;
}

static bool is(const uint8_t *bytes, size_t size, const char *pattern, size_t length)
{
    return size >= length && memcmp(bytes, pattern, length) == 0;
}

typedef void callback(unsigned cpu, void *argument);

/* What is done at an instruction, if not just counting; `after_enable` says that `sti` stands before it. */
static callback *callback_for(const uint8_t *bytes, size_t size, bool after_enable)
{
    if (is(bytes, size, "\x48\xcf", 2) || is(bytes, size, "\x48\x0f\x07", 3)) /* iretq, sysretq */
        return returns;
    if (is(bytes, size, "\xf4", 1))
        return halts;
    if (is(bytes, size, "\xfb", 1))
        return enables;
    return after_enable ? follows_enable : NULL;
}

static void watch_instruction(struct qemu_plugin_insn *instruction, bool *after_enable)
{
    const uint8_t *bytes = qemu_plugin_insn_data(instruction);
    size_t size = qemu_plugin_insn_size(instruction);
    const struct function *function = function_at(qemu_plugin_insn_vaddr(instruction));
    callback *callback = callback_for(bytes, size, *after_enable);
    *after_enable = is(bytes, size, "\xfb", 1);
    if (function != NULL)
        qemu_plugin_register_vcpu_insn_exec_cb(instruction, function_entered, QEMU_PLUGIN_CB_NO_REGS,
                                               (void *)(uintptr_t)function);
    if (callback != NULL)
        qemu_plugin_register_vcpu_insn_exec_cb(instruction, callback, QEMU_PLUGIN_CB_NO_REGS, NULL);
    else
        qemu_plugin_register_vcpu_insn_exec_inline(instruction, QEMU_PLUGIN_INLINE_ADD_U64, &executed, 1);
}

static void block_translated(qemu_plugin_id_t id, struct qemu_plugin_tb *block)
{
    bool after_enable = true; /* sti ends a block, so it may stand before */
    (void)id;
    for (size_t i = 0; i < qemu_plugin_tb_n_insns(block); i++)
        if (qemu_plugin_insn_vaddr(qemu_plugin_tb_get_insn(block, i)) >= KERNEL_HALF)
            watch_instruction(qemu_plugin_tb_get_insn(block, i), &after_enable);
        else if (within != 0)
            watch_marker(qemu_plugin_tb_get_insn(block, i));
}

/* ---- Report ---------------------------------------------------------------------------------------------------- */

static int longest_first(const void *left, const void *right)
{
    const struct way *a = left, *b = right;
    return (a->longest < b->longest) - (a->longest > b->longest);
}

static void report_way(FILE *output, const struct way *way)
{
    fprintf(output, "%" PRIu64 " %" PRIu64 " ", way->longest, way->count);
    for (unsigned i = 0; i < way->length; i++)
        fprintf(output, "%s%s", i == 0 ? "" : ">", functions[way->functions[i]].name);
    fprintf(output, "%s\n", way->length == 0 ? "-" : "");
}

static void report(qemu_plugin_id_t id, void *argument)
{
    (void)id, (void)argument;
    FILE *output = fopen(output_path, "w");
    if (output == NULL) {
        fprintf(stderr, "latency plugin: cannot write %s\n", output_path);
        return;
    }
    qsort(ways, WAYS, sizeof(ways[0]), longest_first);
    for (size_t i = 0; i < WAYS && ways[i].count > 0; i++)
        report_way(output, &ways[i]);
    if (ways_lost > 0)
        fprintf(output, "lost %" PRIu64 "\n", ways_lost);
    fclose(output);
}

/* ---- Start ----------------------------------------------------------------------------------------------------- */

static bool read_functions(const char *path)
{
    FILE *input = fopen(path, "r");
    if (input == NULL) {
        fprintf(stderr, "latency plugin: cannot read %s\n", path);
        return false;
    }
    while (functions_count < MAX_FUNCTIONS &&
           fscanf(input, "%" SCNx64 " %47s", &functions[functions_count].address, functions[functions_count].name) == 2)
        functions_count++;
    fclose(input);
    return true;
}

int qemu_plugin_install(qemu_plugin_id_t id, const struct qemu_info *info, int argc, char **argv)
{
    bool good = true;
    if (!info->system_emulation || strcmp(info->target_name, "x86_64") != 0 || info->system.max_vcpus != 1) {
        fprintf(stderr, "latency plugin: works in system emulation of one x86_64 CPU only\n");
        return -1;
    }
    for (int i = 0; i < argc; i++) {
        if (strncmp(argv[i], "out=", 4) == 0)
            output_path = strdup(argv[i] + 4);
        else if (strncmp(argv[i], "functions=", 10) == 0)
            good = read_functions(argv[i] + 10);
        else if (strncmp(argv[i], "within=", 7) == 0)
            outside = (within = (uint32_t)strtoul(argv[i] + 7, NULL, 10)) != 0;
    }
    if (output_path == NULL || !good) {
        fprintf(stderr, "latency plugin: it needs out=FILE, and functions=FILE must be readable\n");
        return -1;
    }
    qemu_plugin_register_vcpu_tb_trans_cb(id, block_translated);
    qemu_plugin_register_atexit_cb(id, report, NULL);
    return 0;
}
