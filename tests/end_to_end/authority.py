"""An authority for etcd, by the openssl commands of docs/cluster.md."""
import os
import subprocess

NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']

# Only `openssl ca` takes a beginning and an end.
CONFIG = """[ca]
default_ca = own
[own]
database = {folder}/index
serial = {folder}/serial
new_certs_dir = {folder}
default_md = sha256
policy = any
[any]
commonName = supplied
"""


def openssl(*arguments):
    subprocess.run(['openssl', *arguments], check=True, capture_output=True, timeout=60)


class Authority:
    def __init__(self, folder, name, ended=False):
        self.folder, self.name = os.path.join(folder, name), name
        os.mkdir(self.folder, 0o700)
        self.pem, self.key = os.path.join(self.folder, 'ca.pem'), os.path.join(self.folder, 'ca.key')
        with open(os.path.join(self.folder, 'index'), 'w'), open(os.path.join(self.folder, 'serial'), 'w') as serial:
            serial.write('01\n')
        with open(os.path.join(self.folder, 'config'), 'w') as file:
            file.write(CONFIG.format(folder=self.folder))
        if ended:
            openssl('req', '-new', *NEW_KEY, '-subj', f'/CN={name}', '-keyout', self.key, '-out', self.path('ca.csr'))
            self.sign(self.path('ca.csr'), self.pem, 'basicConstraints=critical,CA:TRUE', self_sign=True, ended=True)
        else:
            openssl('req', '-x509', *NEW_KEY, '-days', '3650', '-subj', f'/CN={name}', '-keyout', self.key, '-out', self.pem)

    def path(self, name):
        return os.path.join(self.folder, name)

    def sign(self, request, out, extensions, self_sign=False, ended=False):
        with open(self.path('extensions'), 'w') as file:
            file.write(extensions + '\n')
        dates = ['-startdate', '20200101000000Z', '-enddate', '20210101000000Z'] if ended else ['-days', '825']
        issuer = ['-selfsign'] if self_sign else ['-cert', self.pem]
        openssl('ca', '-batch', '-notext', '-config', self.path('config'), '-in', request, '-out', out, '-keyfile', self.key,
                '-extfile', self.path('extensions'), *issuer, *dates)

    def issue(self, name, addresses='IP:127.0.0.1', ended=False):
        """A certificate for server and client; answers the paths of it and its key."""
        pem, key = self.path(f'{name}.pem'), self.path(f'{name}.key')
        openssl('req', '-new', *NEW_KEY, '-subj', f'/CN={name}', '-keyout', key, '-out', self.path(f'{name}.csr'))
        self.sign(self.path(f'{name}.csr'), pem, f'subjectAltName={addresses}\nextendedKeyUsage=serverAuth,clientAuth', ended=ended)
        return pem, key
