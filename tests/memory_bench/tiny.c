/* SPDX-License-Identifier: BSD-2-Clause */
/* The program of the row `spawn`: it ends. */
int main(void)
{
    return 0;
}
