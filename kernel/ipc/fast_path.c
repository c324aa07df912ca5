/* SPDX-License-Identifier: BSD-2-Clause */
/* Checks that fail on demand. See fast_path.h. */
#include "ipc/fast_path.h"

#include "abi/addresses.h"
#include "boot/boot.h"
#include "boot/loader.h"
#include "debug/panic.h"
#include "debug/string.h"

/* Both forms of the conditional jump, and the unconditional ones of the same length and target (Intel SDM volume 2, Jcc
 * and JMP; a `nop` comes first where that is shorter). */
#define JNE_SHORT 0x75
#define JMP_SHORT 0xeb
#define JNE_NEAR_0 0x0f
#define JNE_NEAR_1 0x85
#define NOP 0x90
#define JMP_NEAR 0xe9

#define VALUE_SIZE 96
#define FAILS_ONE_IN 4 /* so that about as many crossings are fast as slow */
#define DEFAULT_SEED 1

#define PLACES(PLACE)                                   \
    PLACE("handle", plain_call_handle)                  \
    PLACE("handle", long_call_handle)                   \
    PLACE("waiter", plain_call_waiter)                  \
    PLACE("waiter", long_call_waiter)                   \
    PLACE("gate", plain_call_gate)                      \
    PLACE("gate", long_call_gate)                       \
    PLACE("receive-handle", plain_reply_receive_handle) \
    PLACE("receive-handle", long_reply_receive_handle)  \
    PLACE("partner", plain_reply_partner)               \
    PLACE("partner", long_reply_partner)                \
    PLACE("gate", plain_reply_gate)                     \
    PLACE("gate", long_reply_gate)

#define DECLARE_PLACE(check, label) extern const uint8_t trampoline_check_##label[];
PLACES(DECLARE_PLACE)

struct place {
    const char *check;
    const uint8_t *jump; /* in the trampoline */
};

#define LIST_PLACE(check, label) {check, trampoline_check_##label},
static const struct place places[] = {PLACES(LIST_PLACE)};
#define PLACES_COUNT (sizeof(places) / sizeof(places[0]))

static uint8_t *trampoline_text;
static uint64_t random_state; /* 0: nothing is drawn */
static bool observed;
static bool chosen[PLACES_COUNT]; /* places that the command line lets fail */

/* Writes only what changes: an emulator translates the text anew after each write. */
static void set_failing(const struct place *place, bool fails)
{
    uint8_t *jump = trampoline_text + ((uint64_t)place->jump - TRAMPOLINE_TEXT);
    bool near = jump[0] == JNE_NEAR_0 || jump[0] == NOP, failing = jump[0] == NOP || jump[0] == JMP_SHORT;
    assert(near ? jump[1] == (failing ? JMP_NEAR : JNE_NEAR_1) : failing || jump[0] == JNE_SHORT);
    if (fails == failing)
        return;
    if (near)
        jump[1] = fails ? JMP_NEAR : JNE_NEAR_1;
    jump[0] = near ? (fails ? NOP : JNE_NEAR_0) : (fails ? JMP_SHORT : JNE_SHORT);
}

/* xorshift64*, whose state must not be 0, nor ever is. */
static uint64_t draw(void)
{
    random_state ^= random_state >> 12;
    random_state ^= random_state << 25;
    random_state ^= random_state >> 27;
    return random_state * 0x2545f4914f6cdd1dUL >> 32;
}

void fast_path_draw(void)
{
    if (random_state == 0)
        return;
    for (unsigned i = 0; i < PLACES_COUNT; i++)
        if (chosen[i])
            set_failing(&places[i], draw() % FAILS_ONE_IN == 0);
}

bool fast_path_is_observed(void)
{
    return observed;
}

/* ---- The command line -------------------------------------------------------------------------------------------- */

static bool choose(const char *check, size_t length)
{
    bool found = false;
    for (unsigned i = 0; i < PLACES_COUNT; i++)
        if (strlen(places[i].check) == length && strncmp(places[i].check, check, length) == 0)
            chosen[i] = found = true;
    return found;
}

/* Names with commas between. */
static void choose_checks(void)
{
    char value[VALUE_SIZE];
    if (!boot_option("fast-path-checks", value, sizeof(value))) {
        for (unsigned i = 0; i < PLACES_COUNT; i++)
            chosen[i] = true;
        return;
    }
    for (const char *name = value;; name++) {
        size_t length = 0;
        while (name[length] != '\0' && name[length] != ',')
            length++;
        if (!choose(name, length))
            boot_refuse("fast-path-checks: '%s' begins with none of handle, waiter, gate, receive-handle, partner",
                        name);
        name += length;
        if (*name == '\0')
            return;
    }
}

/* The seed behind the colon of `random:SEED`: decimal, not 0. Answers 0 where it is none. */
static uint64_t seed_of(const char *text)
{
    uint64_t seed = 0;
    if (*text == '\0')
        return DEFAULT_SEED;
    if (*text++ != ':')
        return 0;
    for (; *text >= '0' && *text <= '9'; text++)
        seed = seed * 10 + (uint64_t)(*text - '0');
    return *text == '\0' ? seed : 0;
}

void fast_path_prepare(uint8_t *text)
{
    static const char by_chance[] = "random";
    char value[VALUE_SIZE];
    observed = boot_option("fast-path", value, sizeof(value));
    if (!observed)
        return;
    trampoline_text = text;
    choose_checks();
    if (strncmp(value, by_chance, sizeof(by_chance) - 1) == 0)
        random_state = seed_of(value + sizeof(by_chance) - 1);
    bool off = strncmp(value, "off", sizeof(value)) == 0;
    if (!random_state && !off && strncmp(value, "on", sizeof(value)) != 0)
        boot_refuse("fast-path: '%s' is not on, off, random or random:SEED (a decimal number, not 0)", value);
    for (unsigned i = 0; off && i < PLACES_COUNT; i++)
        set_failing(&places[i], chosen[i]);
    fast_path_draw();
}
