/* torch_docs.c -- prints docs/torch.md, or compares a file with it.
 *
 *     torch_docs                  prints the document
 *     torch_docs docs/torch.md    fails unless the file is that document
 */
#include <stdio.h>
#include <string.h>

#include "runtime/host/torch.h"

static bool is_same(const char *path, const char *text, size_t len) {
    char block[4096];
    size_t at = 0, n;
    FILE *file = fopen(path, "rb");
    if (!file)
        return false;
    bool same = true;
    while (same && (n = fread(block, 1, sizeof block, file)) > 0) {
        same = n <= len - at && memcmp(block, text + at, n) == 0;
        at += n;
    }
    fclose(file);
    return same && at == len;
}

int main(int argc, char **argv) {
    OomHandler oom = {.fail_after = -1};
    if (setjmp(oom.jump))
        return 1;
    Arena *arena = arena_create(&oom);
    StrBuf text = STRBUF(arena);
    torch_describe(&text);
    const bool same = argc < 2 || is_same(argv[1], text.data, text.len);
    if (argc < 2)
        fputs(strbuf_str(&text), stdout);
    if (!same)
        fprintf(stderr, "%s is out of date: run `torch_docs > docs/torch.md`\n", argv[1]);
    arena_destroy(arena);
    return same ? 0 : 1;
}
