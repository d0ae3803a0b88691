/* Loads a kernel without the driver's library. */
#include <stdio.h>

#include "product.h"

int main(void) {
    product_code code;
    tkc_status status = product_load(&code);
    printf("load: %d %s\n", status, product_status_string(status));
    return code.driver.library != NULL;
}
