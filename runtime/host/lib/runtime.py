"""The module triton.runtime: what programs ask of the driver.

Evaluated with `torch` bound. The device answers as a GPU of compute capability 9.0 with as many
processors as tkc has threads, so that programs choose the grids they would choose there.
"""


class _Target:
    backend = "cuda"
    arch = 90
    warp_size = 32


class _Utils:
    def get_device_properties(self, device=0):
        properties = torch.cuda.get_device_properties(device)
        return {"multiprocessor_count": properties.multi_processor_count, "max_num_regs": 65536,
                "max_shared_mem": 232448, "warpSize": 32}


class _Driver:
    utils = _Utils()

    def get_current_target(self):
        return _Target()

    def get_active_torch_device(self):
        return torch.device("cuda", 0)

    def get_current_device(self):
        return 0

    def get_device_interface(self):
        return torch.cuda


class _Drivers:
    active = _Driver()


driver = _Drivers()
