/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fast against slow: every combination of what a call can meet, each with a line
 *     # case NAME digest DIGEST entries ENTRIES
 * that says what came of it and how often the kernel was entered for it. compare.py boots this program with the fast
 * path on, off, and off at random, and compares the lines. Nothing is sampled: all combinations are enumerated, but for
 * those that the table below merges.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <salto/tap.h>

#include "../common/worker.h"
#include "scene.h"

#define NAME_SIZE 96

static const char *const receiver_names[] = {"plain", "closed",  "deadline", "behind",
                                             "busy",  "stopped", "dead",     "never"};
static const char *const rights_names[] = {"send", "read", "none"};
static const char *const item_names[] = {"none", "copy", "move", "bad"};
static const char *const priority_names[] = {"higher", "equal", "lower"};

/* Word counts, by the manifest's argument. */
static const uint8_t few_words[] = {0, 8};
static const uint8_t short_words[] = {0, 1, 5, 6, 7, 8, 62, 63};
static uint8_t all_words[MESSAGE_MAX_WORDS + 1];
static const uint8_t *words;
static unsigned words_count;

/* ---- Combinations that cannot be told apart ---------------------------------------------------------------------- */

static bool is_refused(const struct combination *combination)
{
    return combination->rights != SENDS;
}

static bool is_refused_elsewhere(const struct combination *combination)
{
    return is_refused(combination) &&
           (combination->receiver != PLAIN || combination->badged || combination->item != NO_ITEM ||
            combination->pending || combination->priority != CALLER_EQUAL || combination->queued);
}

static bool is_unheard(const struct combination *combination)
{
    return combination->receiver == DEAD || combination->receiver == NEVER;
}

static bool is_told_to_nobody(const struct combination *combination)
{
    return is_unheard(combination) && (combination->badged || combination->pending || combination->queued ||
                                       combination->priority != CALLER_EQUAL);
}

static bool has_words_for_nobody(const struct combination *combination)
{
    return is_unheard(combination) && combination->words != 0 && combination->words != 8;
}

static bool is_kernels(const struct combination *combination)
{
    return combination->item != NO_ITEM || combination->deadline;
}

static bool has_words_for_the_kernel(const struct combination *combination)
{
    return is_kernels(combination) && combination->words != 0 && combination->words != MESSAGE_REGISTER_WORDS &&
           combination->words != MESSAGE_MAX_WORDS && !is_unheard(combination);
}

static bool is_wiped_by_the_kernel(const struct combination *combination)
{
    return is_kernels(combination) && combination->dirty;
}

static struct {
    const char *why;
    bool (*is_merged)(const struct combination *combination); /* with another one, which is run */
    unsigned count;
} merged[] = {
    {"without the right or the handle a call is refused before the receiver, badge and items are looked at",
     is_refused_elsewhere, 0},
    {"where nobody receives, nobody is told the badge, takes signals, runs at a priority, or is queued before",
     is_told_to_nobody, 0},
    {"where nobody receives, words reach nobody: one count in registers and one beyond stand for all",
     has_words_for_nobody, 0},
    {"with items or a deadline the tag alone leads to the kernel, where one loop copies words: none, all in registers "
     "and "
     "the most stand for all",
     has_words_for_the_kernel, 0},
    {"with items or a deadline vector registers are wiped on the way out of the kernel, which never looked at them",
     is_wiped_by_the_kernel, 0},
};

static bool is_merged(const struct combination *combination)
{
    for (unsigned i = 0; i < COUNT(merged); i++)
        if (merged[i].is_merged(combination)) {
            merged[i].count++;
            return true;
        }
    return false;
}

/* ---- Enumeration ------------------------------------------------------------------------------------------------- */

/* Combination number `number`; false beyond the last. The word count changes slowest. */
static bool combination_of(unsigned number, struct combination *combination)
{
    combination->dirty = number % 2;
    number /= 2;
    combination->queued = number % 2;
    number /= 2;
    combination->pending = number % 2;
    number /= 2;
    combination->deadline = number % 2;
    number /= 2;
    combination->badged = number % 2;
    number /= 2;
    combination->priority = (enum priority)(number % PRIORITIES_COUNT);
    number /= PRIORITIES_COUNT;
    combination->item = (enum item)(number % ITEMS);
    number /= ITEMS;
    combination->rights = (enum rights)(number % RIGHTS);
    number /= RIGHTS;
    combination->receiver = (enum receiver)(number % RECEIVERS);
    number /= RECEIVERS;
    if (number >= words_count)
        return false;
    combination->words = words[number];
    return true;
}

static void name_of(const struct combination *combination, char *name)
{
    snprintf(name, NAME_SIZE, "%s,%s,badge%d,words%u,item-%s,deadline%d,pending%d,%s,queued%d,dirty%d",
             receiver_names[combination->receiver], rights_names[combination->rights], combination->badged,
             combination->words, item_names[combination->item], combination->deadline, combination->pending,
             priority_names[combination->priority], combination->queued, combination->dirty);
}

static bool is_first_of_its_kind(const struct combination *combination)
{
    return combination->words == words[0] && !combination->badged && combination->priority == CALLER_EQUAL &&
           !combination->dirty;
}

/* Runs all; or without a report the first ones of each kind, so that what is made at first use is there. */
static void run_combinations(bool report)
{
    struct combination combination;
    char name[NAME_SIZE];
    unsigned runs = 0;
    for (unsigned number = 0; combination_of(number, &combination); number++) {
        if (!report && !is_first_of_its_kind(&combination))
            continue;
        if (is_merged(&combination))
            continue;
        struct outcome outcome = scene_run(&combination);
        if (!report)
            continue;
        name_of(&combination, name);
        tap_note("case %s digest %016lx entries %lu", name, outcome.digest, outcome.entries);
        runs++;
    }
    if (report)
        tap_note("combinations %u", runs);
}

/* Called twice: the first time warms up. */
static void combinations(void)
{
    static bool report;
    for (unsigned i = 0; i < COUNT(merged); i++)
        merged[i].count = 0;
    scenes_begin();
    run_combinations(report);
    scenes_end();
    for (unsigned i = 0; report && i < COUNT(merged); i++)
        tap_note("merged %u: %s", merged[i].count, merged[i].why);
    report = true;
}

static bool choose_words(const char *which)
{
    words = strcmp(which, "few") == 0 ? few_words : strcmp(which, "short") == 0 ? short_words : all_words;
    words_count = words == few_words ? COUNT(few_words) : words == short_words ? COUNT(short_words) : COUNT(all_words);
    for (unsigned i = 0; i < COUNT(all_words); i++)
        all_words[i] = (uint8_t)i;
    return words != all_words || strcmp(which, "all") == 0;
}

static const struct guest_test tests[] = {
    {"every combination leaves everything as it was", combinations},
};

int main(int argc, char **argv)
{
    if (argc < 2 || !choose_words(argv[1])) {
        fprintf(stderr, "fast_slow: the argument is few, short or all: which word counts\n");
        return 1;
    }
    return guest_run(tests, COUNT(tests));
}
