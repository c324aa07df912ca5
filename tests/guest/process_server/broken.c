/* SPDX-License-Identifier: BSD-2-Clause */
/* A program that cannot be loaded: its text can be written to (broken.options). */
int main(void)
{
    return 0;
}
