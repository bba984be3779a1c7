{
  "kpack_signature": 1,
  "signatures": [
    {
      "key_id": "e9015e0a1b173d9c3c0138171fa6c9bbf281e1c01f6299d476c441e3ace44916",
      "sig": "579b2bf7559d022d1446a775bc37391f349012acb1836012055e697ca88ed1d0ee420acc2a5c1e46c76891b53f89049148f7abc1c5b418de1f6ad0656ba7c608"
    }
  ]
}
