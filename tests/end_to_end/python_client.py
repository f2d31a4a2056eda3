"""A client of muster.v1 that shares nothing with ours: Debian's python3-grpcio and code that
grpc_python_plugin makes of the .proto files.

Usage: python_client.py GENERATED SERVER CA_FILE KEY_FILE ORGANIZATION
Lists the devices, runs a script on the first, follows the job to its end and watches the devices
until the first listing is complete. Prints what it saw as JSON."""
import json
import sys


def main():
    generated, server, ca_file, key_file, organization = sys.argv[1:]
    sys.path.insert(0, generated)
    import grpc
    from muster.v1 import device_service_pb2, device_service_pb2_grpc
    from muster.v1 import job_service_pb2, job_service_pb2_grpc
    from muster.v1 import resources_pb2

    with open(ca_file, 'rb') as file:
        roots = file.read()
    with open(key_file) as file:
        key = file.read().strip()
    parent = f'organizations/{organization}'
    credentials = grpc.composite_channel_credentials(
        grpc.ssl_channel_credentials(roots), grpc.access_token_call_credentials(key))
    with grpc.secure_channel(server, credentials) as channel:
        devices = device_service_pb2_grpc.DeviceServiceStub(channel)
        jobs = job_service_pb2_grpc.JobServiceStub(channel)

        listed = devices.ListDevices(
            device_service_pb2.ListDevicesRequest(parent=parent, filter='online = true',
                                                  order_by='identity desc'), timeout=20)
        created = jobs.CreateJob(job_service_pb2.CreateJobRequest(
            parent=parent, device=listed.devices[0].name, script=':put "from python"',
            request_id='python-1'), timeout=20).job
        final = None
        for message in jobs.WatchJob(job_service_pb2.WatchJobRequest(name=created.name), timeout=60):
            for target in message.targets:
                final = target
        seen = []
        stream = devices.WatchDevices(
            device_service_pb2.WatchDevicesRequest(parent=parent), timeout=20)
        for message in stream:
            seen += [change.device.identity for change in message.changes]
            if message.synced:
                stream.cancel()
                break
        try:
            devices.GetDevice(device_service_pb2.GetDeviceRequest(
                name=f'{parent}/devices/0000000000001'), timeout=20)
            refused = None
        except grpc.RpcError as error:
            refused = error.code().name

    print(json.dumps({
        'listed': [device.identity for device in listed.devices],
        'job': created.name,
        'state': resources_pb2.JobTargetState.Name(final.state),
        'output': final.output,
        'watched': sorted(seen),
        'refused': refused,
    }))


if __name__ == '__main__':
    main()
