/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A QEMU TCG plugin that counts, from outside the guest, executed instructions and writes of CR3 between markers.
 *
 * A marker is an eight-byte no-op, `nopl MARKER+id(%rax,%rax,1)` (tests/bench/markers.h), that no compiler emits. Each
 * pair of a begin and an end marker with the same id is one round: its counts run from after the begin marker up to,
 * and without, the end marker. At exit one line for each id goes to the file named by `out=`:
 *
 *     ID ROUNDS MEDIAN MIN MAX CR3_MEDIAN CR3_MIN CR3_MAX
 *
 * An instruction that cannot be a marker, such as the first one of an interrupt's vector, is named by its address in
 * hexadecimal: `begin=ADDRESS:ID` begins a round of ID with it (it counts), `end=ADDRESS:FIRST:LAST` ends before it the
 * round that is open of each of these ids. Each option may be given once.
 *
 * One CPU only. Counting is a callback-free addition that QEMU compiles into the translated code; only markers call.
 * QEMU counts each iteration of a `rep` instruction, and so do we.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "qemu_plugin.h"

#define MARKER_BEGIN 0x5a17
#define MARKER_END 0x5a27
#define MARKER_IDS 256
#define MARKER_SIZE 8
#define MAX_INSTRUCTION_SIZE 15

/* One round's counts. */
struct sample {
    uint64_t instructions, cr3_writes;
};

/* All rounds of one id; `open` while its begin marker waits for the end marker. */
struct marker {
    bool open;
    struct sample start;
    struct sample *samples;
    size_t count, capacity;
};

QEMU_PLUGIN_EXPORT int qemu_plugin_version = QEMU_PLUGIN_INTERFACE;

static struct marker markers[MARKER_IDS];
static struct sample now; /* counted since the start of the machine */
static uint64_t unmatched;
static char *output_path;
static uint64_t begin_address, end_address; /* 0: none */
static unsigned begin_id, end_first, end_last;

static void marker_begin(unsigned cpu, void *argument)
{
    struct marker *marker = argument;
    (void)cpu;
    marker->open = true;
    marker->start = now;
}

static void marker_grow(struct marker *marker)
{
    size_t capacity = marker->capacity == 0 ? 1024 : marker->capacity * 2;
    struct sample *samples = realloc(marker->samples, capacity * sizeof(*samples));
    if (samples == NULL) {
        fprintf(stderr, "count plugin: no memory for %zu rounds\n", capacity);
        exit(1);
    }
    marker->samples = samples;
    marker->capacity = capacity;
}

static void round_end(struct marker *marker)
{
    marker->open = false;
    if (marker->count == marker->capacity)
        marker_grow(marker);
    /* The begin marker's own addition comes after its callback, the end marker's too: of the two, one is counted. */
    struct sample *sample = &marker->samples[marker->count++];
    sample->instructions = now.instructions - marker->start.instructions - 1;
    sample->cr3_writes = now.cr3_writes - marker->start.cr3_writes;
}

static void marker_end(unsigned cpu, void *argument)
{
    struct marker *marker = argument;
    (void)cpu;
    if (marker->open)
        round_end(marker);
    else
        unmatched++;
}

/* An instruction that begins a round counts, other than a marker. */
static void address_begin(unsigned cpu, void *argument)
{
    struct marker *marker = argument;
    marker_begin(cpu, marker);
    marker->start.instructions--;
}

static void address_end(unsigned cpu, void *argument)
{
    (void)cpu, (void)argument;
    for (unsigned id = end_first; id <= end_last; id++)
        if (markers[id].open)
            round_end(&markers[id]);
}

/* Is this `mov %reg, %cr3`: 0F 22 /3, with an optional REX prefix (Intel SDM volume 2, MOV to control registers)? */
static bool writes_cr3(const uint8_t *bytes, size_t size)
{
    size_t at = size > 0 && (bytes[0] & 0xf0) == 0x40 ? 1 : 0;
    return size == at + 3 && bytes[at] == 0x0f && bytes[at + 1] == 0x22 && (bytes[at + 2] & 0xf8) == 0xd8;
}

/* The marker that an instruction is, as kind << 16 | id; 0 if it is none. */
static uint32_t marker_value(const uint8_t *bytes, size_t size)
{
    static const uint8_t long_nop[] = {0x0f, 0x1f, 0x84, 0x00};
    uint32_t value;
    if (size != MARKER_SIZE || memcmp(bytes, long_nop, sizeof(long_nop)) != 0)
        return 0;
    memcpy(&value, bytes + sizeof(long_nop), sizeof(value));
    uint32_t kind = value >> 16;
    return (kind == MARKER_BEGIN || kind == MARKER_END) && (value & 0xffff) < MARKER_IDS ? value : 0;
}

static void watch_address(struct qemu_plugin_insn *instruction)
{
    uint64_t address = qemu_plugin_insn_vaddr(instruction);
    if (end_address != 0 && address == end_address)
        qemu_plugin_register_vcpu_insn_exec_cb(instruction, address_end, QEMU_PLUGIN_CB_NO_REGS, NULL);
    if (begin_address != 0 && address == begin_address)
        qemu_plugin_register_vcpu_insn_exec_cb(instruction, address_begin, QEMU_PLUGIN_CB_NO_REGS, &markers[begin_id]);
}

static void watch_instruction(struct qemu_plugin_insn *instruction)
{
    uint8_t bytes[MAX_INSTRUCTION_SIZE + 1];
    size_t size = qemu_plugin_insn_size(instruction);
    if (size > sizeof(bytes))
        size = sizeof(bytes);
    memcpy(bytes, qemu_plugin_insn_data(instruction), size);
    uint32_t value = marker_value(bytes, size);
    if (value != 0)
        qemu_plugin_register_vcpu_insn_exec_cb(instruction, value >> 16 == MARKER_BEGIN ? marker_begin : marker_end,
                                               QEMU_PLUGIN_CB_NO_REGS, &markers[value & 0xffff]);
    watch_address(instruction);
    qemu_plugin_register_vcpu_insn_exec_inline(instruction, QEMU_PLUGIN_INLINE_ADD_U64, &now.instructions, 1);
    if (writes_cr3(bytes, size))
        qemu_plugin_register_vcpu_insn_exec_inline(instruction, QEMU_PLUGIN_INLINE_ADD_U64, &now.cr3_writes, 1);
}

static void block_translated(qemu_plugin_id_t id, struct qemu_plugin_tb *block)
{
    (void)id;
    for (size_t i = 0; i < qemu_plugin_tb_n_insns(block); i++)
        watch_instruction(qemu_plugin_tb_get_insn(block, i));
}

static int by_instructions(const void *left, const void *right)
{
    const struct sample *a = left, *b = right;
    return (a->instructions > b->instructions) - (a->instructions < b->instructions);
}

static int by_cr3_writes(const void *left, const void *right)
{
    const struct sample *a = left, *b = right;
    return (a->cr3_writes > b->cr3_writes) - (a->cr3_writes < b->cr3_writes);
}

static void report_marker(FILE *output, size_t id, struct marker *marker)
{
    size_t last = marker->count - 1, middle = marker->count / 2;
    struct sample *samples = marker->samples;
    qsort(samples, marker->count, sizeof(*samples), by_instructions);
    fprintf(output, "%zu %zu %" PRIu64 " %" PRIu64 " %" PRIu64, id, marker->count, samples[middle].instructions,
            samples[0].instructions, samples[last].instructions);
    qsort(samples, marker->count, sizeof(*samples), by_cr3_writes);
    fprintf(output, " %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", samples[middle].cr3_writes, samples[0].cr3_writes,
            samples[last].cr3_writes);
}

static void report(qemu_plugin_id_t id, void *argument)
{
    (void)id;
    (void)argument;
    FILE *output = fopen(output_path, "w");
    if (output == NULL) {
        fprintf(stderr, "count plugin: cannot write %s\n", output_path);
        return;
    }
    for (size_t i = 0; i < MARKER_IDS; i++)
        if (markers[i].count > 0)
            report_marker(output, i, &markers[i]);
    if (unmatched > 0)
        fprintf(output, "unmatched %" PRIu64 "\n", unmatched);
    fclose(output);
}

/* An option; false, after saying so, if it is malformed. */
static bool read_option(const char *option)
{
    if (strncmp(option, "out=", 4) == 0)
        output_path = strdup(option + 4);
    else if (sscanf(option, "begin=%" SCNx64 ":%u", &begin_address, &begin_id) != 2 &&
             sscanf(option, "end=%" SCNx64 ":%u:%u", &end_address, &end_first, &end_last) != 3)
        fprintf(stderr, "count plugin: unknown option %s\n", option);
    else if (begin_id >= MARKER_IDS || end_last >= MARKER_IDS)
        fprintf(stderr, "count plugin: an id in %s is not below %d\n", option, MARKER_IDS);
    else
        return true;
    return output_path != NULL && strncmp(option, "out=", 4) == 0;
}

int qemu_plugin_install(qemu_plugin_id_t id, const struct qemu_info *info, int argc, char **argv)
{
    if (!info->system_emulation || strcmp(info->target_name, "x86_64") != 0 || info->system.max_vcpus != 1) {
        fprintf(stderr, "count plugin: works in system emulation of one x86_64 CPU only\n");
        return -1;
    }
    bool good = true;
    for (int i = 0; i < argc; i++)
        good &= read_option(argv[i]);
    if (!good)
        return -1;
    if (output_path == NULL) {
        fprintf(stderr, "count plugin: the option out=FILE is missing\n");
        return -1;
    }
    qemu_plugin_register_vcpu_tb_trans_cb(id, block_translated);
    qemu_plugin_register_atexit_cb(id, report, NULL);
    return 0;
}
