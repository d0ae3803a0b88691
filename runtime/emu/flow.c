/* flow.c -- where the paths of a branch meet again: immediate post-dominators.
 *
 * Dominators of the reversed flow graph, whose root is the end of the kernel, by iteration over a
 * postorder (Cooper, Harvey, Kennedy, "A Simple, Fast Dominance Algorithm", 2001), instruction by
 * instruction. Instructions from which the end cannot be reached (endless loops) have none. `exit`
 * and `trap` count as going on, so that a path that ends the threads on it does not keep the others
 * from meeting.
 */
#include "runtime/emu/control.h"
#include "runtime/emu/decode.h"

typedef struct Graph {
    const Inst *code;
    uint32_t count; /* instructions; node `count` is the end */
    uint32_t *first,
        *preds;       /* predecessors of node i: preds[first[i]] to preds[first[i + 1] - 1] */
    uint32_t *number; /* in postorder; NO_PC: not reached */
    uint32_t *order, reached;
} Graph;

typedef void (*EdgeVisitor)(Graph *graph, uint32_t from, uint32_t to);

static void each_edge(Graph *graph, EdgeVisitor visit) {
    for (uint32_t i = 0; i < graph->count; i++) {
        const Inst *inst = &graph->code[i];
        bool branches = inst->exec == branch_exec, table = inst->exec == branch_table_exec;
        if (branches)
            visit(graph, i, inst->target);
        for (uint32_t k = 0; table && k < ((const BranchTable *)inst->data)->count; k++)
            visit(graph, i, ((const BranchTable *)inst->data)->targets[k]);
        bool ends = inst->exec == exit_exec && inst->mode != 0; /* ret */
        if (inst->flag || !(branches || table || ends))         /* flag: under a guard */
            visit(graph, i, i + 1);
        else if (ends)
            visit(graph, i, graph->count);
    }
}

static void count_edge(Graph *graph, uint32_t from, uint32_t to) {
    (void)from;
    graph->first[to + 1]++;
}

static void add_edge(Graph *graph, uint32_t from, uint32_t to) {
    graph->preds[graph->number[to]++] = from; /* `number`: where to put the next one */
}

/* Numbers the nodes that lead to the end. */
static void walk(Arena *arena, Graph *graph) {
    uint32_t nodes = graph->count + 1, depth = 0;
    uint32_t *stack = ARENA_ARRAY(arena, uint32_t, nodes),
             *next = ARENA_ARRAY(arena, uint32_t, nodes);
    bool *seen = ARENA_ARRAY(arena, bool, nodes);
    memcpy(next, graph->first, nodes * sizeof *next);
    memset(graph->number, 0xff, nodes * sizeof *graph->number);
    stack[depth++] = graph->count;
    seen[graph->count] = true;
    while (depth > 0) {
        uint32_t node = stack[depth - 1];
        if (next[node] == graph->first[node + 1]) {
            graph->number[node] = graph->reached;
            graph->order[graph->reached++] = node;
            depth--;
            continue;
        }
        uint32_t pred = graph->preds[next[node]++];
        if (!seen[pred]) {
            seen[pred] = true;
            stack[depth++] = pred;
        }
    }
}

static uint32_t meet(const Graph *graph, const uint32_t *dom, uint32_t a, uint32_t b) {
    while (a != b) {
        while (graph->number[a] < graph->number[b])
            a = dom[a];
        while (graph->number[b] < graph->number[a])
            b = dom[b];
    }
    return a;
}

typedef struct Update {
    const Graph *graph;
    uint32_t *dom;
} Update;

/* The post-dominator of `node` by what is known of its successors. */
static uint32_t of_successors(const Update *update, uint32_t node) {
    const Graph *graph = update->graph;
    const Inst *inst = &graph->code[node];
    uint32_t found = NO_PC, targets[2], n = 0;
    const BranchTable *table = inst->exec == branch_table_exec ? inst->data : NULL;
    bool branches = inst->exec == branch_exec;
    if (branches)
        targets[n++] = inst->target;
    if (inst->exec == exit_exec && inst->mode != 0 && !inst->flag)
        targets[n++] = graph->count;
    else if (inst->flag || !(branches || table != NULL))
        targets[n++] = node + 1;
    uint32_t from_table = table != NULL ? table->count : 0;
    for (uint32_t i = 0; i < n + from_table; i++) {
        uint32_t to = i < n ? targets[i] : table->targets[i - n];
        if (update->dom[to] != NO_PC)
            found = found == NO_PC ? to : meet(graph, update->dom, found, to);
    }
    return found;
}

uint32_t *post_dominators(Arena *arena, const Inst *code, size_t count) {
    Graph graph = {.code = code, .count = (uint32_t)count};
    uint32_t nodes = graph.count + 1;
    graph.first = ARENA_ARRAY(arena, uint32_t, nodes + 1);
    graph.number = ARENA_ARRAY(arena, uint32_t, nodes);
    graph.order = ARENA_ARRAY(arena, uint32_t, nodes);
    each_edge(&graph, count_edge);
    for (uint32_t i = 0; i < nodes; i++)
        graph.first[i + 1] += graph.first[i];
    graph.preds = ARENA_ARRAY(arena, uint32_t, graph.first[nodes] + 1);
    memcpy(graph.number, graph.first, nodes * sizeof *graph.number);
    each_edge(&graph, add_edge);
    walk(arena, &graph);
    Update update = {.graph = &graph, .dom = ARENA_ARRAY(arena, uint32_t, nodes)};
    memset(update.dom, 0xff, nodes * sizeof *update.dom);
    update.dom[graph.count] = graph.count;
    for (bool changed = true; changed;) {
        changed = false;
        for (uint32_t i = graph.reached; i-- > 0;) {
            uint32_t node = graph.order[i];
            uint32_t now = node == graph.count ? node : of_successors(&update, node);
            changed = changed || now != update.dom[node];
            update.dom[node] = now;
        }
    }
    for (uint32_t i = 0; i < graph.count; i++)
        if (update.dom[i] == graph.count)
            update.dom[i] = NO_PC;
    return update.dom;
}
