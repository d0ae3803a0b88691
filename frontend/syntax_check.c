#include "frontend/parser_state.h"
void syntax_check(Parser *parser, Module *module) {
    (void)parser;
    (void)module;
}
