"""An independent SOAP client pushes a status and a result: zeep against the WSDL that the gateway serves.

Arguments: URL of the WSDL, user, password, dossier code. Prints one JSON object: the operations it found and what was answered.
Nothing of this repository is imported; zeep builds the messages from the WSDL alone.
"""

import datetime
import json
import sys

import requests
import zeep
from zeep.transports import Transport


def main(wsdl, user, password, dossier):
    session = requests.Session()
    session.auth = (user, password)
    session.trust_env = False
    client = zeep.Client(wsdl, transport=Transport(session=session, timeout=20, operation_timeout=20))
    found = {}
    operations = {}
    for service in client.wsdl.services.values():
        for port in service.ports.values():
            proxy = client.bind(service.name, port.name)
            found[port.name] = sorted(port.binding._operations)
            for name in port.binding._operations:
                operations[name] = proxy[name]
    at = datetime.datetime.now(datetime.timezone(datetime.timedelta(hours=7))).replace(microsecond=0)
    push = operations["ThongBaoTrangThai"]
    said = push(
        MaThongDiep=f"zeep-{dossier}-2",
        MaHoSo=dossier,
        TrangThai="2",
        ThoiDiem=at,
        CanBo={"HoTen": "Ngô Thị Ví Dụ", "DonVi": "Cục Quản lý chất lượng"},
        NoiDung="Đã tiếp nhận",
    )
    again = push(MaThongDiep=f"zeep-{dossier}-2", MaHoSo=dossier, TrangThai="2", ThoiDiem=at,
                 CanBo={"HoTen": "Ngô Thị Ví Dụ", "DonVi": "Cục Quản lý chất lượng"}, NoiDung="Đã tiếp nhận")
    unknown = push(MaThongDiep="zeep-unknown", MaHoSo="H26.15-20250421-9999999", TrangThai="2", ThoiDiem=at)
    result = operations["TraKetQua"](
        MaThongDiep=f"zeep-{dossier}-3",
        MaHoSo=dossier,
        TrangThai="8",
        ThoiDiem=at + datetime.timedelta(seconds=1),
        NoiDung="Dừng xử lý",
        GiayTo=[{"Ten": "thong-bao.pdf", "Kieu": "application/pdf", "NoiDung": b"%PDF-1.4 thu nghiem", "id": f"kq-{dossier}"}],
    )
    fault = None
    try:
        session.headers["SOAPAction"] = '"urn:lienthong:bo-gddt:1/ThongBaoTrangThai"'
        broken = session.post(
            push._proxy._binding_options["address"],
            data="<?xml version='1.0'?><!DOCTYPE x [<!ENTITY e 'y'>]><x>&e;</x>",
            headers={"Content-Type": "text/xml; charset=utf-8"},
        )
        fault = [broken.status_code, "Fault" in broken.text]
    finally:
        session.close()
    code = lambda answer: answer["MaPhanHoi"]
    print(json.dumps({
        "ports": found,
        "said": code(said),
        "again": code(again),
        "unknown": code(unknown),
        "result": code(result),
        "fault": fault,
    }))


if __name__ == "__main__":
    main(*sys.argv[1:])
